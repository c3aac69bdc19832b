//! From asynchronous to blocking: hashing takes a thread of its own.

use bytes::{Buf, Bytes};
use std::io;
use tokio::sync::mpsc::Receiver;

/// Reads what is sent. The end of sending is the end of the file.
pub(crate) struct ChannelReader {
    receiver: Receiver<Bytes>,
    current: Bytes,
}

impl ChannelReader {
    pub(crate) fn new(receiver: Receiver<Bytes>) -> Self {
        Self {
            receiver,
            current: Bytes::new(),
        }
    }
}

impl io::Read for ChannelReader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(next) => self.current = next,
                None => return Ok(0),
            }
        }
        let read = bytes.len().min(self.current.len());
        self.current.copy_to_slice(&mut bytes[..read]);
        Ok(read)
    }
}
