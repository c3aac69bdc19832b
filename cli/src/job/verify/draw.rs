//! Which items are checked: nobody may know before.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};

/// Where the system's own generator is read.
const SYSTEM_RANDOMNESS: &str = "/dev/urandom";

/// Draws `count` different items of a batch, every set of them as likely as any other, in
/// ascending order; the whole batch if it has no more.
pub(super) fn draw(count: u32, batch: u32) -> io::Result<Vec<u32>> {
    draw_from(count, batch, &mut File::open(SYSTEM_RANDOMNESS)?)
}

/// Floyd's sampling: Bentley and Floyd, "A sample of brilliance", Communications of the ACM 30(9),
/// 1987.
fn draw_from(count: u32, batch: u32, random: &mut impl Read) -> io::Result<Vec<u32>> {
    let mut drawn = BTreeSet::new();
    for last in batch.saturating_sub(count)..batch {
        let item = below(last.saturating_add(1), random)?;
        // A second draw of an item stands for the newest place, which was not drawn before.
        if !drawn.insert(item) {
            drawn.insert(last);
        }
    }
    Ok(drawn.into_iter().collect())
}

/// A number below `bound`, which is not zero, each as likely as any other.
fn below(bound: u32, random: &mut impl Read) -> io::Result<u32> {
    // The numbers that remain when 2^32 is divided by the bound would make small ones likelier.
    let excess = (1u64 << 32) % u64::from(bound);
    loop {
        let mut bytes = [0; 4];
        random.read_exact(&mut bytes)?;
        let number = u32::from_le_bytes(bytes);
        if u64::from(number) < (1u64 << 32) - excess {
            return Ok(number % bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_different_sorted_and_of_the_batch() {
        let items = draw(8, 360).unwrap();
        assert_eq!(items.len(), 8);
        assert!(items.windows(2).all(|pair| pair[0] < pair[1]), "{items:?}");
        assert!(items.iter().all(|item| *item < 360), "{items:?}");
    }

    #[test]
    fn a_small_batch_is_drawn_whole() {
        assert_eq!(draw(8, 3).unwrap(), [0, 1, 2]);
        assert_eq!(draw(3, 3).unwrap(), [0, 1, 2]);
        assert_eq!(draw(0, 3).unwrap(), [0u32; 0]);
    }

    #[test]
    fn numbers_that_would_favour_small_items_are_drawn_again() {
        // 2^32 is 1 above a multiple of 3: the last number is drawn again.
        let mut random = &[255, 255, 255, 255, 4, 0, 0, 0][..];
        assert_eq!(below(3, &mut random).unwrap(), 1);
        assert!(random.is_empty());
        let mut largest = &[254, 255, 255, 255][..];
        assert_eq!(below(3, &mut largest).unwrap(), 2);
    }

    #[test]
    fn an_item_that_is_drawn_twice_gives_way_to_one_that_was_not() {
        let zeros = [0; 8];
        assert_eq!(draw_from(2, 10, &mut &zeros[..]).unwrap(), [0, 9]);
    }

    #[test]
    fn without_randomness_nothing_is_drawn() {
        let ended = draw_from(2, 10, &mut &[0; 7][..]).unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof);
    }
}
