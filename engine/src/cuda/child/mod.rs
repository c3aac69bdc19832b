//! The process of one device: the only code that calls the driver.

mod batch;
pub(crate) mod driver;
mod hashing;
mod lane;
mod mapping;
mod measure;
mod opened;
mod parameter;
mod residents;
mod staged;
mod stopwatch;
mod transfers;
mod trial;
mod verdict;
mod workspace;

use super::{
    error::DeviceError,
    process::lock,
    protocol::{
        greet, read_greeting, receive, send, MessageError, Opening, Request, Response, VERSION,
    },
};
use lane::Lane;
use opened::Opened;
use std::{
    fs::File,
    io::{self, ErrorKind},
    os::{
        fd::AsFd,
        unix::{fs::FileTypeExt, net::UnixStream},
    },
    process::ExitCode,
    sync::{
        mpsc::{self, Receiver, Sender},
        Arc, Mutex,
    },
    thread,
};

/// Why the process ended before its parent did.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("this is for the worker to start, not for people")]
    NotAChild,
    #[error("the standard streams can't be used: {0}")]
    Streams(#[from] io::Error),
    #[error("the connection to the parent: {0}")]
    Connection(#[from] MessageError),
    #[error("the parent speaks version {0} of the protocol")]
    Version(u16),
    #[error("the parent asks for what it may not")]
    Request,
}

/// Serves one device to the parent process, until that goes: what a hidden subcommand of the
/// worker calls and does nothing else.
pub fn serve_child() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), ServeError> {
    let (memory, mut socket) = take_streams()?;
    greet(&mut socket)?;
    match read_greeting(&mut socket)? {
        VERSION => (),
        theirs => return Err(ServeError::Version(theirs)),
    }
    let listed = |error| Response::Failed { slot: None, error };
    let request = receive(&mut socket)?;
    // From here on the driver may hang at any time.
    let requests = read_requests(socket.try_clone()?);
    match request {
        Request::List => {
            let devices = driver::initialise().and_then(driver::devices);
            let response = devices.map_or_else(listed, Response::Devices);
            Ok(send(&mut socket, &response)?)
        }
        Request::Open(opening) => match open(&opening, &memory) {
            Ok((opened, lanes)) => {
                let response = Response::Opened {
                    device: opened.info.clone(),
                    family: opened.family,
                };
                send(&mut socket, &response)?;
                dispatch(&socket, &requests, lanes)
            }
            Err(error) => Ok(send(&mut socket, &listed(error))?),
        },
        _ => Err(ServeError::Request),
    }
}

/// The shared memory and the connection. What a library prints from now on goes to the standard
/// error, where it does no harm.
fn take_streams() -> Result<(File, UnixStream), ServeError> {
    let memory = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let socket = io::stdout().as_fd().try_clone_to_owned()?;
    let is_socket = File::from(socket.try_clone()?)
        .metadata()?
        .file_type()
        .is_socket();
    if !is_socket || !memory.metadata()?.is_file() {
        return Err(ServeError::NotAChild);
    }
    rustix::stdio::dup2_stdout(io::stderr()).map_err(io::Error::from)?;
    Ok((memory, UnixStream::from(socket)))
}

fn open(opening: &Opening, memory: &File) -> Result<(Arc<Opened>, Vec<Lane>), DeviceError> {
    let opened = Arc::new(Opened::open(opening, memory)?);
    let lanes = (0..opening.slots).map(|slot| Lane::new(opened.clone(), slot));
    let lanes = lanes.collect::<Result<_, _>>()?;
    Ok((opened, lanes))
}

extern "C" {
    fn _exit(status: i32) -> !;
}

/// Ends the process without the driver's farewell, which may wait for a device that hangs.
fn leave(status: i32) -> ! {
    // SAFETY: it does nothing but end the process, which leaves no half-written file behind.
    unsafe { _exit(status) }
}

/// Reads what the parent asks. As soon as that is gone the process ends, whatever the driver does:
/// work that is still going on is for nobody.
fn read_requests(mut socket: UnixStream) -> Receiver<Result<Request, MessageError>> {
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || loop {
        let request = receive(&mut socket);
        if let Err(MessageError::Closed) = request {
            leave(0);
        }
        let is_last = request.is_err();
        if sender.send(request).is_err() || is_last {
            return;
        }
    });
    requests
}

/// Hands requests to their slots, each with a thread of its own.
fn dispatch(
    socket: &UnixStream,
    requests: &Receiver<Result<Request, MessageError>>,
    lanes: Vec<Lane>,
) -> Result<(), ServeError> {
    let answers = Arc::new(Mutex::new(socket.try_clone()?));
    let mut senders: Vec<Sender<Request>> = Vec::new();
    for lane in lanes {
        let (sender, requests) = mpsc::channel();
        let answers = answers.clone();
        thread::spawn(move || run_lane(lane, &requests, &answers));
        senders.push(sender);
    }
    loop {
        let request = requests.recv().map_err(|_| ServeError::Request)??;
        let sender = request.slot().and_then(|slot| senders.get(slot as usize));
        let sender = sender.ok_or(ServeError::Request)?;
        sender.send(request).map_err(|_| ServeError::Request)?;
    }
}

/// A panic of one slot's thread must not leave the parent waiting.
struct ExitOnPanic;

impl Drop for ExitOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            leave(101);
        }
    }
}

fn run_lane(mut lane: Lane, requests: &Receiver<Request>, answers: &Mutex<UnixStream>) {
    let _guard = ExitOnPanic;
    if let Err(error) = lane.enter() {
        eprintln!("the device's context: {error}");
        leave(1);
    }
    for request in requests {
        let response = lane.answer(request);
        match send(&mut *lock(answers), &response) {
            Ok(()) => (),
            Err(MessageError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => return,
            Err(error) => {
                eprintln!("an answer can't be sent: {error}");
                leave(1);
            }
        }
    }
}
