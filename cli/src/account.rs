//! Tokens.

pub(crate) mod balance;
pub(crate) mod transfer;
