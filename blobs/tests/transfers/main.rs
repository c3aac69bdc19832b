//! Blobs over HTTP: real sockets on loopback, the real server, and servers that mean harm.

mod advice;
mod any_length;
mod downloads;
mod false_slices;
mod fixture;
mod garbage;
mod hostile;
mod refusals;
mod resumed;
mod slices;
mod slow;
mod uploads;
