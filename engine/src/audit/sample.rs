//! The check of the elements that were drawn.

use super::WrongElement;
use mizan_tensor::{Draw, ElementError, Plan, Source, Span, TensorRef};

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
