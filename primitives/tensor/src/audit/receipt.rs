//! The bytes over which an auditor makes its receipt.
//!
//! A *receipt* is the keyed BLAKE3 hash of the *receipt stream*, with a key from the auditor's
//! own seed: nobody can make it without having read those bytes, nor copy it from another. The
//! stream of a sampled audit is, for each drawn item, the [`item_spans`]; that of a full one all
//! inputs, then the trace.

use super::{drawn_items, numbers::hasher, AuditScope};
use crate::{dispute::place, BlobRef, BlobSpan, Hash, Plan, TensorRef};
use alloc::vec::Vec;

/// The key of the receipt that belongs to a seed.
pub fn receipt_key(seed: &Hash) -> Hash {
    *hasher(seed, b"receipt", 0).finalize().as_bytes()
}

/// The receipt over a whole stream: its keyed hash.
pub fn receipt(stream: &[u8], seed: &Hash) -> Hash {
    blake3::keyed_hash(&receipt_key(seed), stream).into()
}

/// Number of bytes of the receipt stream; never zero. `None` where the program allows no such
/// batch.
pub fn receipt_bytes(plan: &Plan, batch: u32, scope: AuditScope) -> Option<u64> {
    if !plan.allows(batch) {
        return None;
    }
    let items = match scope {
        AuditScope::Sampled => batch.min(super::DRAWN_ITEMS),
        AuditScope::Full => batch,
    };
    item_bytes(plan)?.checked_mul(items.into())
}

/// Where the byte of that index of the receipt stream is: in which blob, an input or the trace,
/// and at what offset. `None` where the stream has no such byte.
pub fn receipt_place(
    plan: &Plan,
    batch: u32,
    scope: AuditScope,
    seed: &Hash,
    index: u64,
) -> Option<(BlobRef, u64)> {
    if index >= receipt_bytes(plan, batch, scope)? {
        return None;
    }
    match scope {
        AuditScope::Sampled => {
            let bytes = item_bytes(plan)?;
            let position = usize::try_from(index.checked_div(bytes)?).ok()?;
            let item = *drawn_items(batch, seed).get(position)?;
            find(of_item(plan, batch, item), index.checked_rem(bytes)?)
        }
        AuditScope::Full => find(of_job(plan, batch), index),
    }
}

/// The receipt stream, part after part. `None` where the program allows no such batch.
pub fn receipt_spans(
    plan: &Plan,
    batch: u32,
    scope: AuditScope,
    seed: &Hash,
) -> Option<Vec<BlobSpan>> {
    if !plan.allows(batch) {
        return None;
    }
    match scope {
        AuditScope::Sampled => {
            let items = drawn_items(batch, seed);
            let spans = items.iter().flat_map(|item| of_item(plan, batch, *item));
            spans.collect()
        }
        AuditScope::Full => of_job(plan, batch).collect(),
    }
}

/// Where the bytes of an item are: its slice of each input, then of each operation's output in
/// the trace. `None` where the job has no such item, or the program allows no such batch.
pub fn item_spans(plan: &Plan, batch: u32, item: u32) -> Option<Vec<BlobSpan>> {
    if item >= batch || !plan.allows(batch) {
        return None;
    }
    of_item(plan, batch, item).collect()
}

/// Bytes of one item of all inputs and of the trace.
fn item_bytes(plan: &Plan) -> Option<u64> {
    let cost = plan.cost();
    cost.item_input_bytes.checked_add(cost.item_trace_bytes)
}

fn of_item(plan: &Plan, batch: u32, item: u32) -> impl Iterator<Item = Option<BlobSpan>> + '_ {
    let operations = plan.program().operations.iter().zip(0u16..);
    let operations = operations.map(|(_, index)| TensorRef::Operation(index));
    inputs(plan).chain(operations).map(move |tensor| {
        let length = plan.tensor_bytes(tensor, 1)?;
        let start = length.checked_mul(item.into())?;
        place(plan, batch, tensor, start, length)
    })
}

fn of_job(plan: &Plan, batch: u32) -> impl Iterator<Item = Option<BlobSpan>> + '_ {
    let inputs = inputs(plan).map(move |tensor| {
        let length = plan.tensor_bytes(tensor, batch)?;
        place(plan, batch, tensor, 0, length)
    });
    let trace = plan.trace_bytes(batch).map(|length| BlobSpan {
        blob: BlobRef::Trace,
        start: 0,
        length,
    });
    inputs.chain(core::iter::once(trace))
}

fn inputs(plan: &Plan) -> impl Iterator<Item = TensorRef> + '_ {
    let inputs = plan.program().inputs.iter().zip(0u16..);
    inputs.map(|(_, index)| TensorRef::Input(index))
}

/// Where the byte of that index of some spans, one after the other, is.
fn find(
    mut spans: impl Iterator<Item = Option<BlobSpan>>,
    mut index: u64,
) -> Option<(BlobRef, u64)> {
    loop {
        let span = spans.next()??;
        match index.checked_sub(span.length) {
            Some(behind) => index = behind,
            None => return Some((span.blob, span.start.checked_add(index)?)),
        }
    }
}
