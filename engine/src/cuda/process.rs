//! The process of one device, seen from the parent.

use super::{
    error::DeviceError,
    protocol::{
        greet, read_greeting, receive, send, DeviceInfo, KernelFamily, MessageError, Opening,
        Request, Response, VERSION,
    },
    settings::CudaSettings,
};
use rustix::fs::{memfd_create, MemfdFlags};
use std::{
    fs::File,
    io::{self, Read},
    os::{
        fd::OwnedFd,
        unix::{fs::FileExt, net::UnixStream},
    },
    process::{Child, ChildStderr, Command, Stdio},
    sync::{
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    },
    thread,
    time::Duration,
};

/// What is kept of what a process says on its standard error.
const LAST_WORDS_BYTES: usize = 1_024;
/// How long to wait for the last words of a process that has ended.
const LAST_WORDS_WAIT: Duration = Duration::from_millis(200);

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

fn cannot_start(error: impl ToString) -> DeviceError {
    DeviceError::CannotStart(error.to_string())
}

/// Memory that two processes share: a file that exists nowhere else.
fn memory(bytes: u64) -> Result<File, DeviceError> {
    let file = memfd_create("mizan-cuda", MemfdFlags::CLOEXEC).map_err(cannot_start)?;
    let file = File::from(file);
    file.set_len(bytes).map_err(cannot_start)?;
    Ok(file)
}

/// Starts a process whose standard input is the shared memory and whose standard output is a
/// socket in both directions, and exchanges greetings.
fn connect(settings: &CudaSettings, memory: &File) -> Result<(Running, UnixStream), DeviceError> {
    let (mut ours, theirs) = UnixStream::pair().map_err(cannot_start)?;
    let memory = memory.try_clone().map_err(cannot_start)?;
    let command = &settings.command;
    let mut child = Command::new(&command.program)
        .args(&command.arguments)
        .envs(command.environment.iter().cloned())
        .stdin(Stdio::from(memory))
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot_start)?;
    let last_words = child.stderr.take().map(LastWords::of);
    let running = Running {
        child: Mutex::new(child),
        last_words,
    };
    ours.set_read_timeout(Some(settings.start_limit))
        .and_then(|()| ours.set_write_timeout(Some(settings.answer_limit)))
        .map_err(cannot_start)?;
    match read_greeting(&mut ours) {
        Ok(VERSION) => match greet(&mut ours) {
            Ok(()) => Ok((running, ours)),
            Err(error) => Err(running.explain(error, settings.start_limit)),
        },
        Ok(theirs) => Err(DeviceError::ProtocolMismatch {
            ours: VERSION,
            theirs,
        }),
        Err(error) => Err(running.explain(error, settings.start_limit)),
    }
}

/// A process that ends when this is dropped.
struct Running {
    child: Mutex<Child>,
    last_words: Option<LastWords>,
}

impl Running {
    fn first_answer(
        &self,
        socket: &mut UnixStream,
        request: &Request,
        settings: &CudaSettings,
    ) -> Result<Response, DeviceError> {
        match send(socket, request).and_then(|()| receive(socket)) {
            Ok(Response::Failed { error, .. }) => Err(error),
            Ok(response) => Ok(response),
            Err(error) => Err(self.explain(error, settings.start_limit)),
        }
    }

    /// What a failed exchange means. The process is of no use afterwards and is ended.
    fn explain(&self, error: MessageError, limit: Duration) -> DeviceError {
        use io::ErrorKind::{BrokenPipe, TimedOut, WouldBlock};
        match error {
            MessageError::Io(error) if matches!(error.kind(), TimedOut | WouldBlock) => {
                self.end();
                DeviceError::TimedOut {
                    seconds: limit.as_secs(),
                }
            }
            MessageError::Io(error) if error.kind() != BrokenPipe => {
                self.end();
                DeviceError::ProcessEnded(error.to_string())
            }
            MessageError::Io(_) | MessageError::Closed => DeviceError::ProcessEnded(self.end()),
            MessageError::TooLong(_) | MessageError::Malformed | MessageError::NoGreeting => {
                self.end();
                DeviceError::BadAnswer(error.to_string())
            }
        }
    }

    /// Ends the process, if it has not ended, and gives its status and last words.
    fn end(&self) -> String {
        let mut child = lock(&self.child);
        // One that closed its end is about to exit: its own status tells more than ours.
        let mut status = child.try_wait();
        for _ in 0..10 {
            if !matches!(status, Ok(None)) {
                break;
            }
            thread::sleep(LAST_WORDS_WAIT / 10);
            status = child.try_wait();
        }
        if matches!(status, Ok(None)) {
            // It can only fail if the process has ended.
            let _ = child.kill();
            status = child.wait().map(Some);
        }
        let status = match status {
            Ok(Some(status)) => status.to_string(),
            Ok(None) => "it runs on".into(),
            Err(error) => error.to_string(),
        };
        match self.last_words.as_ref().map(LastWords::text) {
            Some(words) if !words.is_empty() => format!("{status}: {words}"),
            _ => status,
        }
    }

    /// Ends the process at once.
    fn kill(&self) {
        let mut child = lock(&self.child);
        // They can only fail if the process has ended.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end of what a process says on its standard error.
struct LastWords {
    words: Arc<Mutex<Vec<u8>>>,
    ended: Mutex<Receiver<()>>,
}

impl LastWords {
    fn of(mut from: ChildStderr) -> Self {
        let words = Arc::new(Mutex::new(Vec::new()));
        let (alive, ended) = mpsc::channel();
        let kept = words.clone();
        thread::spawn(move || {
            let _alive: Sender<()> = alive;
            let mut piece = [0; LAST_WORDS_BYTES];
            while let Ok(count @ 1..) = from.read(&mut piece) {
                let mut kept = lock(&kept);
                kept.extend_from_slice(&piece[..count]);
                let superfluous = kept.len().saturating_sub(LAST_WORDS_BYTES);
                kept.drain(..superfluous);
            }
        });
        Self {
            words,
            ended: Mutex::new(ended),
        }
    }

    /// Of a process that has ended.
    fn text(&self) -> String {
        // Nothing is ever sent: it returns when the thread has read everything.
        let _ = lock(&self.ended).recv_timeout(LAST_WORDS_WAIT);
        String::from_utf8_lossy(&lock(&self.words))
            .trim()
            .to_owned()
    }
}

/// A process that has opened its device.
pub(crate) struct Process {
    /// As the driver describes it.
    pub(crate) device: DeviceInfo,
    /// The kernels that it uses.
    pub(crate) family: KernelFamily,
    slot_bytes: u64,
    answer_limit: Duration,
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
    /// Starts a process and lets it open a device.
    pub(crate) fn open(settings: &CudaSettings, device: u32) -> Result<Self, DeviceError> {
        let bytes = settings.slot_bytes.checked_mul(settings.slots.into());
        let memory = memory(bytes.ok_or_else(|| cannot_start("the slots are too large"))?)?;
        let (running, mut socket) = connect(settings, &memory)?;
        let request = Request::Open(Opening {
            device,
            family: settings.family,
            slots: settings.slots,
            slot_bytes: settings.slot_bytes,
            resident_bytes: settings.resident_bytes,
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
            .map(|_| mpsc::channel())
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
        if let Some(fate) = self.shared.fate.get() {
            return Err(fate.clone());
        }
        let answers = self.answers.get(slot as usize);
        let answers = answers.ok_or_else(|| cannot_start("there is no such slot"))?;
        let sent = send(&mut *lock(&self.socket), request);
        if let Err(error) = sent {
            return Err(self.shared.explain(error, self.answer_limit));
        }
        match lock(answers).recv_timeout(self.answer_limit) {
            Ok(Response::Failed { error, .. }) => Err(error),
            Ok(response) => Ok(response),
            Err(RecvTimeoutError::Disconnected) => Err(self.shared.fate()),
            Err(RecvTimeoutError::Timeout) => {
                let error = DeviceError::TimedOut {
                    seconds: self.answer_limit.as_secs(),
                };
                Err(self.condemn(error))
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

impl Drop for Process {
    fn drop(&mut self) {
        // The thread that reads its answers ends with it.
        self.shared.running.kill();
    }
}

impl Shared {
    /// Reads answers until there are no more, and says why.
    fn read(&self, mut from: UnixStream, senders: Vec<Sender<Response>>, limit: Duration) {
        loop {
            let response = match receive::<Response>(&mut from) {
                Ok(response) => response,
                Err(error) => {
                    self.explain(error, limit);
                    return;
                }
            };
            let sender = response.slot().and_then(|slot| senders.get(slot as usize));
            // Nobody waits once the process was given up.
            if sender.is_some_and(|sender| sender.send(response.clone()).is_ok()) {
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
