//! Exact integer tensor programs: what a Mizan job computes, down to the last bit.
//!
//! # Overview
//! A *model* is a [`Program`]: a list of operations over tensors of small integers. Two machines
//! that run the same program on the same bytes get the same bytes, so a wrong number can be
//! proved wrong by anyone who recomputes that one number. This crate says what every number is.
//!
//! | part | what it gives |
//! | --- | --- |
//! | [`Program`] | the format, its SCALE bytes and its id |
//! | [`Plan`] | a validated program: every shape resolved, cost and worst opening known |
//! | [`Plan::element`] | the normative function: the value of one element of one operation |
//! | [`Plan::spans`] | which bytes that element depends on |
//! | [`execute`] | a boring whole-program executor built on `element` |
//! | [`Commitment`] | the hashes a worker attests |
//! | [`read_slice`] | bytes of a blob, proved by the blob's hash |
//! | [`Draw`], [`is_drawn`] | what an auditor must look at |
//! | [`receipt_spans`], [`receipt_key`] | what its receipt is made of |
//! | [`Referee`] | the verdict on an [`Accusation`], on the answer to a [`Request`], on a receipt |
//! | [`Exhibits`] | the evidence, the answers and the openings, from the bytes of a job |
//!
//! # Goals
//! - One definition. Fast executors and the chain's referee are tested against [`Plan::element`];
//!   nothing else says what an operation means.
//! - Total. Every parameter byte string has a meaning; none is assumed valid.
//! - `no_std`, no floating point, no panic, no overflow.
//!
//! # Non-goals
//! Speed (see `mizan-engine`), training and quantisation, floating-point models as they are.
//!
//! # Terminology
//! *Item*: one of the `batch` equal slices of a tensor along its leading dimension; no operation
//! mixes items. *Trace*: the outputs of all operations, one after the other. *Opening*: the bytes
//! of a tensor with the hashes that prove they belong to its BLAKE3 hash; its encoding is the
//! *slice*. *Evidence*: the slices that an accusation opens. *Draw*: the items and elements that a
//! sampled audit looks at, from a *seed* that is known only after the attestation. *Receipt*: the
//! keyed BLAKE3 hash of the *receipt stream*, the bytes that an auditor must have read; the key is
//! from its own seed. *MAC*: one multiply-accumulate of 8-bit integers. *Compute unit*: 10^9 MACs.
//!
//! # Layout of tensors
//! Row-major, little-endian, unpadded, batch first. Weights are `[N, K]` with K contiguous. The
//! bias, multiplier and shift of an output channel are one 16-byte record, see
//! [`ElementType::Channel`].
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::panic
    )
)]

extern crate alloc;

mod audit;
mod commitment;
mod cost;
mod dispute;
mod element;
mod exhibits;
mod plan;
mod program;
mod prover;
mod referee;
mod reference;
mod request;
mod slice;
mod tree;
#[cfg(feature = "std")]
pub mod vectors;

pub use audit::{
    drawn_items, is_drawn, item_spans, receipt, receipt_bytes, receipt_key, receipt_opening,
    receipt_place, receipt_spans, AuditScope, Draw, DRAWN_ELEMENTS, DRAWN_ITEMS,
    MAX_RECEIPT_OPENING_BYTES,
};
pub use commitment::{hash_bytes, Commitment};
pub use cost::{compute_units, Cost, MACS_PER_COMPUTE_UNIT};
pub use dispute::{
    Accusation, BlobRef, BlobSpan, Request, MAX_ANSWER_BYTES, MAX_DEMANDED_CHUNKS,
    MAX_EVIDENCE_BYTES,
};
pub use element::{requantise, ElementError, Source};
pub use exhibits::Exhibits;
pub use plan::{Plan, ProgramError, Span, TensorRef};
pub use program::{
    ElementType, Operand, Operation, Parameter, Program, Table, TensorType, FORMAT, MAX_BATCH,
    MAX_DIMENSIONS, MAX_INPUTS, MAX_OPENING_BYTES, MAX_OPERATIONS, MAX_OUTPUTS, MAX_PARAMETERS,
    MAX_PROGRAM_BYTES, MAX_REDUCTION, MAX_TABLES, MAX_TENSOR_BYTES,
};
pub use prover::{write_keyed_slice, write_slice};
pub use referee::{Claim, Finding, Referee, RefereeError};
pub use reference::{execute, Execution, ExecutionError};
pub use slice::{read_keyed_slice, read_slice, slice_bytes, Blob, SliceError};

/// A BLAKE3 hash: the name of a blob, and what the chain convicts by.
pub type Hash = [u8; 32];

#[cfg(test)]
mod tests;
