//! The elements that a sampled audit looks at.

use super::WrongElement;
use mizan_tensor::{ElementError, Hash, Plan, Source, Span, TensorRef};

/// Most items that a sampled audit draws.
pub const DRAWN_ITEMS: u32 = 8;
/// Elements that it draws of every operation, where there are so many in the drawn items.
pub const DRAWN_ELEMENTS: u32 = 8;

/// What a sampled audit looks at: a pure function of program, batch and seed, on every machine.
///
/// Each operation is drawn by itself, so whether an element was drawn can be told without drawing
/// all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Up to [`DRAWN_ITEMS`] different items, ascending.
    pub items: Vec<u32>,
    /// Operation and index of each element, counted over the whole batch: all of the first
    /// operation, then all of the second. No element is drawn twice. They are spread evenly over
    /// the drawn items.
    pub elements: Vec<(u16, u64)>,
}

impl Draw {
    /// Draws for a job of `batch` items, or `None` where the program allows no such batch.
    ///
    /// Anyone who knows `seed` knows the draw: it may become known only after the attestation.
    pub fn new(plan: &Plan, batch: u32, seed: &Hash) -> Option<Self> {
        if batch == 0 || batch > plan.program().max_batch {
            return None;
        }
        let items = draw_items(batch, seed);
        let mut elements = Vec::new();
        for (_, operation) in plan.program().operations.iter().zip(0u16..) {
            draw_elements(plan, operation, &items, seed, &mut elements)?;
        }
        Some(Self { items, elements })
    }
}

fn draw_items(batch: u32, seed: &Hash) -> Vec<u32> {
    let mut stream = Stream::new(seed, b"items", 0);
    let drawn = stream.distinct(DRAWN_ITEMS, batch.into());
    // Each is below the batch.
    drawn.into_iter().map(|item| item as u32).collect()
}

fn draw_elements(
    plan: &Plan,
    operation: u16,
    items: &[u32],
    seed: &Hash,
    elements: &mut Vec<(u16, u64)>,
) -> Option<()> {
    let item_elements = plan.tensor_bytes(TensorRef::Operation(operation), 1)?;
    let mut stream = Stream::new(seed, b"elements", operation);
    let count = u32::try_from(items.len()).ok()?;
    for (item, position) in items.iter().zip(0u32..) {
        // Eight over the items, one more for the first ones where it does not come out even.
        let share = (DRAWN_ELEMENTS + count - 1 - position).checked_div(count)?;
        let start = u64::from(*item).checked_mul(item_elements)?;
        let drawn = stream.distinct(share, item_elements);
        elements.extend(drawn.into_iter().map(|index| (operation, start + index)));
    }
    Some(())
}

/// Numbers from BLAKE3's extendable output, keyed with the seed.
struct Stream {
    output: blake3::OutputReader,
    /// A block of the output, which costs as much as any part of it.
    block: [u8; blake3::BLOCK_LEN],
    used: usize,
}

impl Stream {
    fn new(seed: &Hash, purpose: &[u8], operation: u16) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(seed);
        hasher.update(&operation.to_le_bytes()).update(purpose);
        Self {
            output: hasher.finalize_xof(),
            block: [0; blake3::BLOCK_LEN],
            used: blake3::BLOCK_LEN,
        }
    }

    fn next(&mut self) -> u64 {
        if self.used == blake3::BLOCK_LEN {
            self.output.fill(&mut self.block);
            self.used = 0;
        }
        let mut word = [0; 8];
        // The block is a whole number of words.
        word.copy_from_slice(&self.block[self.used..self.used + 8]);
        self.used += 8;
        u64::from_le_bytes(word)
    }

    /// Below `bound`. Some numbers come more often than others by one part in `2^64 / bound`.
    fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        // The upper half of a product with a number below 2^64.
        (product >> 64) as u64
    }

    /// So many different numbers below `bound`, or all where there are no more, ascending.
    fn distinct(&mut self, count: u32, bound: u64) -> Vec<u64> {
        if bound <= u64::from(count) {
            return (0..bound).collect();
        }
        let mut drawn = Vec::with_capacity(count as usize);
        while drawn.len() < count as usize {
            let number = self.below(bound);
            if let Err(place) = drawn.binary_search(&number) {
                drawn.insert(place, number);
            }
        }
        drawn
    }
}

/// Computes each drawn element by the definition and compares it with the trace, whose elements
/// `source` gives as the bytes of operations: the first that is wrong, or `None`.
pub fn check_elements<S: Source>(
    plan: &Plan,
    batch: u32,
    source: &S,
    draw: &Draw,
) -> Result<Option<WrongElement>, ElementError<S::Error>> {
    for &(operation, index) in &draw.elements {
        let right = plan.element(operation, index, batch, source)?;
        let span = Span {
            tensor: TensorRef::Operation(operation),
            start: index,
            length: 1,
        };
        let &[published] = source.bytes(span).map_err(ElementError::Source)? else {
            return Err(ElementError::WrongLength);
        };
        let published = i8::from_le_bytes([published]);
        if published != right {
            return Ok(Some(WrongElement {
                operation,
                index,
                published,
                right,
            }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
