//! Connections that come to nothing are closed: no request, or a reader that does not read.

use crate::pace::least_bytes;
use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use std::{
    future::Future,
    io,
    io::IoSlice,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, Instant, Sleep},
};

/// A listener that has so many connections and no more.
pub(crate) struct Limited {
    listener: TcpListener,
    places: Arc<Semaphore>,
    idle: Duration,
    min_bytes_per_second: u64,
}

impl Limited {
    pub(crate) fn new(
        listener: TcpListener,
        places: usize,
        idle: Duration,
        min_bytes_per_second: u64,
    ) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            idle,
            min_bytes_per_second,
        }
    }
}

impl Listener for Limited {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // The semaphore is never closed; without a permit the connection would merely not count.
        let place = self.places.clone().acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Only delays small answers.
        let _ = stream.set_nodelay(true);
        let connection = Connection {
            stream,
            _place: place,
            activity: Activity::new(),
            reading: Box::pin(sleep(self.idle)),
            writing: Box::pin(sleep(self.idle)),
            written: None,
            idle: self.idle,
            min_bytes: least_bytes(self.min_bytes_per_second, self.idle),
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Whether a connection's requests are being worked on.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<Mutex<(usize, Instant)>>);

impl Activity {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((0, Instant::now()))))
    }

    pub(crate) fn begin(&self) -> Working {
        self.change(|state| state.0 = state.0.saturating_add(1));
        Working(Arc::new(Guard(self.clone())))
    }

    fn change(&self, change: impl FnOnce(&mut (usize, Instant))) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Since when nothing was asked for.
    fn idle_since(&self) -> Option<Instant> {
        let state = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (state.0 == 0).then_some(state.1)
    }
}

impl Connected<IncomingStream<'_, Limited>> for Activity {
    fn connect_info(stream: IncomingStream<'_, Limited>) -> Self {
        stream.io().activity.clone()
    }
}

/// A request is being worked on until this and its clones are dropped.
#[derive(Clone, Debug)]
pub(crate) struct Working(#[allow(dead_code, reason = "only its drop matters")] Arc<Guard>);

#[derive(Debug)]
struct Guard(Activity);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0
            .change(|state| *state = (state.0.saturating_sub(1), Instant::now()));
    }
}

/// A connection with a watch on its other end.
pub(crate) struct Connection {
    stream: TcpStream,
    _place: Option<OwnedSemaphorePermit>,
    activity: Activity,
    reading: Pin<Box<Sleep>>,
    writing: Pin<Box<Sleep>>,
    /// What was written since the other end became the slower one.
    written: Option<u64>,
    idle: Duration,
    min_bytes: u64,
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the other end is too slow")
}

impl Connection {
    /// Waits for a request. Its beginning is not enough: whoever sends it byte by byte is slow too.
    fn watch_reading(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        while self.reading.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            let due = match self.activity.idle_since() {
                Some(since) if since + self.idle <= now => return Err(too_slow()),
                Some(since) => since + self.idle,
                None => now + self.idle,
            };
            self.reading.as_mut().reset(due);
        }
        Ok(())
    }

    /// Waits for the other end to read.
    fn watch_writing(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.written.is_none() {
            self.written = Some(0);
            self.writing.as_mut().reset(Instant::now() + self.idle);
        }
        while self.writing.as_mut().poll(context).is_ready() {
            if self.written.unwrap_or_default() < self.min_bytes {
                return Err(too_slow());
            }
            self.written = Some(0);
            self.writing.as_mut().reset(Instant::now() + self.idle);
        }
        Ok(())
    }

    fn after_write(
        &mut self,
        context: &mut Context<'_>,
        poll: Poll<io::Result<usize>>,
        asked: usize,
    ) -> Poll<io::Result<usize>> {
        match poll {
            Poll::Pending => match self.watch_writing(context) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            },
            // All of it went: the other end is the faster one.
            Poll::Ready(Ok(bytes)) if bytes == asked => {
                self.written = None;
                poll
            }
            Poll::Ready(Ok(bytes)) => {
                let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                self.written = self.written.map(|written| written.saturating_add(bytes));
                poll
            }
            Poll::Ready(Err(_)) => poll,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_read(context, buffer);
        if poll.is_pending() {
            self.watch_reading(context)?;
        }
        poll
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.after_write(context, poll, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let asked = slices.iter().map(|slice| slice.len()).sum();
        let poll = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.after_write(context, poll, asked)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
