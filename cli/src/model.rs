//! Tensor programs that jobs run.

pub(crate) mod register;
pub(crate) mod show;
