//! Work that a requester pays for.

pub(crate) mod fetch;
pub(crate) mod post;
pub(crate) mod state;
pub(crate) mod watch;
