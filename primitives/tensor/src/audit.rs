//! What an auditor is drawn to look at: a pure function of program, batch and seed, on every
//! machine and on the chain.
//!
//! A seed is known only after the attestation. Whoever knows it knows the draw, so the chain can
//! tell of any element whether an auditor who passed the job had to look at it.

mod numbers;
mod opening;
mod receipt;

pub use opening::{receipt_opening, MAX_RECEIPT_OPENING_BYTES};
pub use receipt::{item_spans, receipt, receipt_bytes, receipt_key, receipt_place, receipt_spans};

use crate::{Hash, Plan, TensorRef};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use numbers::Numbers;
use scale_info::TypeInfo;

/// Most items that a sampled audit draws.
pub const DRAWN_ITEMS: u32 = 8;
/// Elements that it draws of every operation, where there are so many in the drawn items.
pub const DRAWN_ELEMENTS: u32 = 8;

/// How much of a job an audit looks at.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum AuditScope {
    /// At what is drawn, see [`Draw`].
    #[codec(index = 0)]
    Sampled,
    /// At everything.
    #[codec(index = 1)]
    Full,
}

/// What a sampled audit looks at.
///
/// Each operation is drawn by itself, so whether an element was drawn can be told without drawing
/// all others: see [`is_drawn`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The [`drawn_items`].
    pub items: Vec<u32>,
    /// Operation and index of each element, counted over the whole batch: all of the first
    /// operation, then all of the second. No element is drawn twice. They are spread evenly over
    /// the drawn items.
    pub elements: Vec<(u16, u64)>,
}

impl Draw {
    /// Draws for a job of `batch` items, or `None` where the program allows no such batch.
    pub fn new(plan: &Plan, batch: u32, seed: &Hash) -> Option<Self> {
        if !plan.allows(batch) {
            return None;
        }
        let items = drawn_items(batch, seed);
        let mut elements = Vec::new();
        for (_, operation) in plan.program().operations.iter().zip(0u16..) {
            elements.extend(drawn_elements(plan, operation, &items, seed)?);
        }
        Some(Self { items, elements })
    }
}

/// The items that a sampled audit draws of a job of `batch`: up to [`DRAWN_ITEMS`] different ones,
/// ascending.
pub fn drawn_items(batch: u32, seed: &Hash) -> Vec<u32> {
    let drawn = Numbers::new(seed, b"items", 0).distinct(DRAWN_ITEMS, batch.into());
    // Each is below the batch.
    drawn.into_iter().map(|item| item as u32).collect()
}

/// Whether an audit of that scope and seed looks at an element, whose index is counted over the
/// whole batch: as [`Draw::new`] says, by drawing that one operation alone. `false` for what the
/// job does not have.
pub fn is_drawn(
    plan: &Plan,
    batch: u32,
    scope: AuditScope,
    seed: &Hash,
    operation: u16,
    index: u64,
) -> bool {
    let elements = plan.tensor_bytes(TensorRef::Operation(operation), batch);
    if !plan.allows(batch) || elements.is_none_or(|elements| index >= elements) {
        return false;
    }
    match scope {
        AuditScope::Full => true,
        AuditScope::Sampled => {
            let items = drawn_items(batch, seed);
            let drawn = drawn_elements(plan, operation, &items, seed);
            drawn.is_some_and(|drawn| drawn.contains(&(operation, index)))
        }
    }
}

fn drawn_elements(
    plan: &Plan,
    operation: u16,
    items: &[u32],
    seed: &Hash,
) -> Option<Vec<(u16, u64)>> {
    let item_elements = plan.tensor_bytes(TensorRef::Operation(operation), 1)?;
    let mut numbers = Numbers::new(seed, b"elements", operation);
    let mut elements = Vec::new();
    for (item, share) in items.iter().zip(shares(items.len())?) {
        let start = u64::from(*item).checked_mul(item_elements)?;
        for number in numbers.distinct(share, item_elements) {
            elements.push((operation, start.checked_add(number)?));
        }
    }
    Some(elements)
}

/// How many elements are drawn of each of so many items: eight over all, one more of the first
/// ones where it does not come out even.
fn shares(items: usize) -> Option<impl Iterator<Item = u32>> {
    let items = u32::try_from(items).ok()?;
    let share = DRAWN_ELEMENTS.checked_div(items)?;
    let longer = DRAWN_ELEMENTS.checked_rem(items)?;
    let of = move |item| share.saturating_add(u32::from(item < longer));
    Some((0..items).map(of))
}
