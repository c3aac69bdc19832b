//! Checking others' work for less than doing it.
//!
//! # Overview
//! | audit | what it costs | what it finds |
//! | --- | --- | --- |
//! | [`full`] | the execution | the first wrong element |
//! | [`full_with_advice`] | a small part of it, and the worker's accumulators | the same |
//! | [`verify_items`], [`verify_outputs`] | the execution of the chosen items | their first wrong element |
//! | [`check_elements`] of a [`Draw`] | a dot product an element | the first wrong one of those drawn |
//!
//! *Advice* is the accumulators of a linear operation, as [`LoadedModel::accumulators`] gives
//! them. They are not committed to, so they convict nobody: bad or missing advice makes the
//! auditor execute that operation itself. A [`WrongElement`] never rests on chance: its right
//! value was computed exactly.
//!
//! Every audit reads tensors whose hashes the caller has checked. [`hash_with_receipt`] gives these
//! hashes and the receipt of a full audit in one pass; [`Tensors::receipt_stream`] and [`receipt`]
//! give the receipt of either scope, [`ReceiptHasher`] the same to whoever does not hold all of it.
//!
//! [`Draw`]: mizan_tensor::Draw
//! [`LoadedModel::accumulators`]: crate::LoadedModel::accumulators

mod execution;
mod freivalds;
mod linear;
mod receipt;
mod sample;
mod tensors;
mod vectors;

pub use execution::{full, full_with_advice, verify_items, verify_outputs};
pub use freivalds::{check_accumulators, AdviceError, LinearCheck};
pub use linear::{LinearAudit, LinearFault};
pub use receipt::{hash_with_receipt, receipt, Hashes, ReceiptHasher};
pub use sample::check_elements;
pub use tensors::{AuditedJob, Missing, Tensors};

use crate::EngineError;

/// An element of the trace that is not what the program says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongElement {
    /// The operation whose output it is in.
    pub operation: u16,
    /// Which element of that output, counted over the whole batch.
    pub index: u64,
    /// What was published.
    pub published: i8,
    /// What it is, given the published operands.
    pub right: i8,
}

/// Why an audit came to no result. None of this speaks against the worker.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AuditError {
    /// The operations could not be executed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The trace or an output is not as long as program and batch say.
    #[error("the trace or an output has the wrong length for the program and the batch")]
    WrongLength,
    /// An item was chosen that the batch does not have.
    #[error("item {0} is not in the batch")]
    ItemOutOfRange(u32),
    /// There is another number of places for advice than there are operations.
    #[error("advice needs one place for each operation, empty or not")]
    WrongAdviceCount,
}

impl From<mizan_tensor::ExecutionError> for AuditError {
    fn from(error: mizan_tensor::ExecutionError) -> Self {
        Self::Engine(error.into())
    }
}
