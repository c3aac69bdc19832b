//! The process of one device, seen from the parent.

use super::{
    error::DeviceError,
    info::{DeviceInfo, KernelFamily},
    protocol::{receive, send, MessageError, Opening, Request, Response},
    running::{connect, Running},
    settings::CudaSettings,
};
use rustix::fs::{memfd_create, MemfdFlags};
use std::{
    fs::File,
    os::unix::{fs::FileExt, net::UnixStream},
    sync::{
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    },
    thread,
    time::Duration,
};

/// Locks what no panic leaves half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The devices that the driver shows, asked for in a process of its own.
pub(crate) fn list(settings: &CudaSettings) -> Result<Vec<DeviceInfo>, DeviceError> {
    let (running, mut socket) = connect(settings, &memory(0)?)?;
    match running.first_answer(&mut socket, &Request::List, settings)? {
        Response::Devices(devices) => Ok(devices),
        other => Err(nonsense(&other)),
    }
}

fn nonsense(response: &Response) -> DeviceError {
    // Without its content, which may be long.
    let text = format!("{response:?}");
    DeviceError::BadAnswer(text.chars().take(80).collect())
}

pub(super) fn cannot_start(error: impl ToString) -> DeviceError {
    DeviceError::CannotStart(error.to_string())
}

/// Memory that two processes share: a file that exists nowhere else.
fn memory(bytes: u64) -> Result<File, DeviceError> {
    let file = memfd_create("mizan-cuda", MemfdFlags::CLOEXEC).map_err(cannot_start)?;
    let file = File::from(file);
    file.set_len(bytes).map_err(cannot_start)?;
    Ok(file)
}

/// A process that has opened its device.
pub(crate) struct Process {
    /// As the driver describes it.
    pub(crate) device: DeviceInfo,
    /// The kernels that it uses.
    pub(crate) family: KernelFamily,
    slot_bytes: u64,
    answer_limit: Duration,
    part_macs: u64,
    memory: File,
    socket: Mutex<UnixStream>,
    answers: Vec<Mutex<Receiver<Response>>>,
    shared: Arc<Shared>,
}

/// What a process has in common with the thread that reads its answers.
struct Shared {
    running: Running,
    /// Why it is of no use any more.
    fate: OnceLock<DeviceError>,
}

impl Process {
    /// Starts a process and lets it open a device, with the kernels that the settings name or the
    /// fastest but some.
    pub(crate) fn open(
        settings: &CudaSettings,
        device: u32,
        without: &[KernelFamily],
    ) -> Result<Self, DeviceError> {
        let memory = memory(settings.shared_bytes())?;
        let (running, mut socket) = connect(settings, &memory)?;
        let request = Request::Open(Opening {
            device,
            family: settings.family,
            without: without.to_vec(),
            slots: settings.slots,
            slot_bytes: settings.slot_bytes,
            resident_bytes: settings.resident_bytes,
            least_tried_macs: settings.least_tried_macs,
        });
        let opened = running.first_answer(&mut socket, &request, settings)?;
        let Response::Opened { device, family } = opened else {
            return Err(nonsense(&opened));
        };
        let from = socket.try_clone().map_err(cannot_start)?;
        from.set_read_timeout(None).map_err(cannot_start)?;
        let shared = Arc::new(Shared {
            running,
            fate: OnceLock::new(),
        });
        let (senders, answers) = (0..settings.slots)
            .map(|_| mpsc::sync_channel(1))
            .map(|(sender, receiver)| (sender, Mutex::new(receiver)))
            .unzip();
        let readers = shared.clone();
        let limit = settings.answer_limit;
        thread::spawn(move || readers.read(from, senders, limit));
        Ok(Self {
            device,
            family,
            slot_bytes: settings.slot_bytes,
            answer_limit: settings.answer_limit,
            part_macs: settings.part_macs,
            memory,
            socket: Mutex::new(socket),
            answers,
            shared,
        })
    }

    /// Whether nothing is known against it.
    pub(crate) fn is_alive(&self) -> bool {
        self.shared.fate.get().is_none()
    }

    /// Bytes of a slot.
    pub(crate) fn slot_bytes(&self) -> u64 {
        self.slot_bytes
    }

    /// Asks something about a slot, and waits for the answer. Only one may ask about a slot at a
    /// time.
    pub(crate) fn ask(&self, slot: u32, request: &Request) -> Result<Response, DeviceError> {
        self.ask_within(slot, request, self.answer_limit)
    }

    /// [`Self::ask`] for the execution of so many multiply-accumulates. A part that has more of
    /// them than others may have, for it is an item alone, may take as much longer.
    pub(crate) fn ask_to_execute(
        &self,
        slot: u32,
        request: &Request,
        macs: u128,
    ) -> Result<Response, DeviceError> {
        let limit = execution_limit(self.answer_limit, macs, self.part_macs);
        self.ask_within(slot, request, limit)
    }

    /// [`Self::ask`] with a limit of its own.
    pub(crate) fn ask_within(
        &self,
        slot: u32,
        request: &Request,
        limit: Duration,
    ) -> Result<Response, DeviceError> {
        if let Some(fate) = self.shared.fate.get() {
            return Err(fate.clone());
        }
        let answers = self.answers.get(slot as usize);
        let answers = answers.ok_or_else(|| cannot_start("there is no such slot"))?;
        if let Ok(unasked) = lock(answers).try_recv() {
            return Err(self.reject(&unasked));
        }
        let sent = send(&mut *lock(&self.socket), request);
        if let Err(error) = sent {
            return Err(self.shared.explain(error, self.answer_limit));
        }
        match lock(answers).recv_timeout(limit) {
            Ok(Response::Failed { error, .. }) => Err(error),
            Ok(response) => Ok(response),
            Err(RecvTimeoutError::Disconnected) => Err(self.shared.fate()),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = limit.as_secs();
                Err(self.condemn(DeviceError::TimedOut { seconds }))
            }
        }
    }

    /// Ends the process because of an answer that does not fit the request.
    pub(crate) fn reject(&self, response: &Response) -> DeviceError {
        self.condemn(nonsense(response))
    }

    /// Ends the process; gives the reason that all later requests get.
    pub(crate) fn condemn(&self, error: DeviceError) -> DeviceError {
        let fate = self.shared.fate.get_or_init(|| error).clone();
        self.shared.running.kill();
        fate
    }

    /// Puts bytes into a slot, which must have room for them there.
    pub(crate) fn write(&self, slot: u32, offset: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        let at = self.place(slot, offset, bytes.len())?;
        let written = self.memory.write_all_at(bytes, at);
        written.map_err(|error| cannot_start(format!("shared memory: {error}")))
    }

    /// Takes bytes out of a slot.
    pub(crate) fn read(&self, slot: u32, offset: u64, to: &mut [u8]) -> Result<(), DeviceError> {
        let at = self.place(slot, offset, to.len())?;
        let read = self.memory.read_exact_at(to, at);
        read.map_err(|error| cannot_start(format!("shared memory: {error}")))
    }

    fn place(&self, slot: u32, offset: u64, length: usize) -> Result<u64, DeviceError> {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        let end = offset.saturating_add(length);
        if end > self.slot_bytes {
            return Err(DeviceError::TooLarge {
                bytes: end,
                limit: self.slot_bytes,
            });
        }
        Ok(u64::from(slot) * self.slot_bytes + offset)
    }
}

/// The limit of a part of so many multiply-accumulates.
fn execution_limit(answer_limit: Duration, macs: u128, part_macs: u64) -> Duration {
    let parts = macs.div_ceil(u128::from(part_macs).max(1)).max(1);
    answer_limit.saturating_mul(u32::try_from(parts).unwrap_or(u32::MAX))
}

impl Drop for Process {
    fn drop(&mut self) {
        // The thread that reads its answers ends with it.
        self.shared.running.kill();
    }
}

impl Shared {
    /// Reads answers until there are no more, and says why.
    fn read(&self, mut from: UnixStream, senders: Vec<SyncSender<Response>>, limit: Duration) {
        loop {
            let response = match receive::<Response>(&mut from) {
                Ok(response) => response,
                Err(error) => {
                    self.explain(error, limit);
                    return;
                }
            };
            let sender = response.slot().and_then(|slot| senders.get(slot as usize));
            // There is room for the one answer that may be waited for.
            if sender.is_some_and(|sender| sender.try_send(response.clone()).is_ok()) {
                continue;
            }
            self.fate.get_or_init(|| match response {
                Response::Failed { error, .. } => error,
                other => nonsense(&other),
            });
            self.running.kill();
            return;
        }
    }

    fn explain(&self, error: MessageError, limit: Duration) -> DeviceError {
        if self.fate.get().is_none() {
            let fate = self.running.explain(error, limit);
            return self.fate.get_or_init(|| fate).clone();
        }
        self.fate()
    }

    fn fate(&self) -> DeviceError {
        let unknown = || DeviceError::ProcessEnded("its answers ended".into());
        self.fate.get().cloned().unwrap_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_part_of_more_work_than_others_may_have_gets_more_time() {
        let seconds = Duration::from_secs;
        let limit = |macs, part_macs| execution_limit(seconds(60), macs, part_macs);
        assert_eq!(limit(0, 100), seconds(60));
        assert_eq!(limit(100, 100), seconds(60));
        assert_eq!(limit(101, 100), seconds(120));
        assert_eq!(limit(7, 0), seconds(420));
        assert_eq!(limit(u128::MAX, 1), seconds(60 * u64::from(u32::MAX)));
    }
}
