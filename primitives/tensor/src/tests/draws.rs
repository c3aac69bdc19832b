//! What is drawn to be audited.

use crate::*;
use codec::{DecodeAll, Encode, MaxEncodedLen};
use proptest::prelude::*;
use std::collections::BTreeSet;
use AuditScope::{Full, Sampled};

/// A linear operation of each of these numbers of channels, all on the input.
fn plan(channels: &[u32]) -> Plan {
    let mut parameters = Vec::new();
    let mut operations = Vec::new();
    for (n, at) in channels.iter().zip(0u16..) {
        for tensor in [TensorType::i8(&[*n, 3]), TensorType::channels(*n)] {
            let hash = hash_bytes(&[]);
            parameters.push(Parameter { hash, tensor });
        }
        operations.push(Operation::Linear {
            input: Operand::Input(0),
            weights: 2 * at,
            channels: 2 * at + 1,
            table: None,
        });
    }
    let program = Program {
        format: FORMAT,
        owner: [0; 32],
        max_batch: 5_000,
        inputs: vec![TensorType::i8(&[3])],
        parameters,
        tables: vec![],
        operations,
        outputs: vec![0],
    };
    Plan::new(program).unwrap()
}

proptest! {
    #[test]
    fn draws_cover_every_operation_and_stay_in_range(
        channels in proptest::collection::vec(1u32..40, 1..6),
        batch in prop_oneof![1u32..20, 1u32..=5_000],
        seed: [u8; 32],
    ) {
        let plan = plan(&channels);
        let draw = Draw::new(&plan, batch, &seed).unwrap();
        prop_assert_eq!(&draw, &Draw::new(&plan, batch, &seed).unwrap());
        prop_assert_eq!(&draw.items, &drawn_items(batch, &seed));

        prop_assert_eq!(draw.items.len() as u32, batch.min(DRAWN_ITEMS));
        prop_assert!(draw.items.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(draw.items.iter().all(|item| *item < batch));

        let distinct: BTreeSet<_> = draw.elements.iter().collect();
        prop_assert_eq!(distinct.len(), draw.elements.len());
        prop_assert!(draw.elements.is_sorted_by_key(|(operation, _)| operation));
        for (n, operation) in channels.iter().zip(0u16..) {
            let mut expected = 0;
            let count = draw.items.len() as u32;
            for (item, position) in draw.items.iter().zip(0u32..) {
                let of_item = draw.elements.iter().filter(|(drawn, index)| {
                    *drawn == operation && index / u64::from(*n) == u64::from(*item)
                });
                let share = DRAWN_ELEMENTS / count + u32::from(position < DRAWN_ELEMENTS % count);
                prop_assert_eq!(of_item.count() as u32, share.min(*n));
                expected += share.min(*n);
            }
            let of_operation = draw.elements.iter().filter(|(drawn, _)| *drawn == operation);
            prop_assert_eq!(of_operation.count() as u32, expected);
        }
    }

    #[test]
    fn an_element_is_drawn_alone_exactly_where_it_is_drawn_with_all_others(
        channels in proptest::collection::vec(1u32..20, 1..4),
        batch in prop_oneof![1u32..20, 1u32..=500],
        seed: [u8; 32],
        outside: (u16, u64),
    ) {
        let plan = plan(&channels);
        let draw = Draw::new(&plan, batch, &seed).unwrap();
        let drawn: BTreeSet<_> = draw.elements.into_iter().collect();
        for (n, operation) in channels.iter().zip(0u16..) {
            for index in 0..u64::from(n * batch) + 2 {
                let alone = is_drawn(&plan, batch, Sampled, &seed, operation, index);
                prop_assert_eq!(alone, drawn.contains(&(operation, index)));
            }
        }
        let alone = is_drawn(&plan, batch, Sampled, &seed, outside.0, outside.1);
        prop_assert_eq!(alone, drawn.contains(&outside));
    }
}

/// Computed apart, by another implementation of BLAKE3 and of the draw.
#[test]
fn the_draw_of_a_seed_is_the_same_on_every_machine() {
    let draw = Draw::new(&plan(&[2, 1_000]), 1_000, &[42; 32]).unwrap();
    assert_eq!(draw.items, [248, 385, 395, 510, 515, 640, 815, 983]);
    let first = [497, 771, 790, 1_020, 1_031, 1_281, 1_630, 1_967];
    let second = [
        248_064, 385_390, 395_561, 510_006, 515_854, 640_691, 815_680, 983_284,
    ];
    let expected = first.map(|index| (0, index)).into_iter();
    let expected = expected.chain(second.map(|index| (1, index)));
    assert!(draw.elements.iter().copied().eq(expected));
}

#[test]
fn every_item_and_element_is_drawn_by_some_seed() {
    let plan = plan(&[3]);
    let mut items = BTreeSet::new();
    let mut elements = BTreeSet::new();
    for seed in 0..=255 {
        let draw = Draw::new(&plan, 50, &[seed; 32]).unwrap();
        items.extend(draw.items);
        elements.extend(draw.elements);
    }
    assert_eq!((items.len(), elements.len()), (50, 150));
}

#[test]
fn operations_are_drawn_independently() {
    let draw = Draw::new(&plan(&[1_000, 1_000]), 8, &[1; 32]).unwrap();
    let of = |operation: u16| {
        let elements = draw.elements.iter();
        let of_it = elements.filter(move |element| element.0 == operation);
        of_it.map(|element| element.1).collect::<Vec<_>>()
    };
    assert_ne!(of(0), of(1));
    // Leaving one out changes nothing in the other.
    let alone = Draw::new(&plan(&[1_000]), 8, &[1; 32]).unwrap();
    assert_eq!(alone.elements, draw.elements[..8]);
}

#[test]
fn a_batch_that_the_program_does_not_allow_has_no_draw() {
    let plan = plan(&[3]);
    assert_eq!(Draw::new(&plan, 0, &[0; 32]), None);
    assert_eq!(Draw::new(&plan, 5_001, &[0; 32]), None);
    assert!(Draw::new(&plan, 5_000, &[0; 32]).is_some());
}

#[test]
fn nothing_is_drawn_of_a_batch_that_the_program_does_not_allow() {
    let plan = plan(&[3]);
    for scope in [Sampled, Full] {
        let drawn = |batch, index| is_drawn(&plan, batch, scope, &[0; 32], 0, index);
        assert!((0..15_003).any(|index| drawn(5_000, index)));
        assert!(!(0..15_003).any(|index| drawn(5_001, index)));
        assert!(!drawn(0, 0));
    }
}

#[test]
fn everything_that_there_is_is_drawn_in_full_scope_and_nothing_else() {
    let plan = plan(&[3, 40]);
    let drawn = |operation, index| is_drawn(&plan, 10, Full, &[1; 32], operation, index);
    assert!((0..30).all(|index| drawn(0, index)));
    assert!((0..400).all(|index| drawn(1, index)));
    assert!(!drawn(0, 30) && !drawn(1, 400) && !drawn(1, u64::MAX));
    assert!(!drawn(2, 0) && !drawn(u16::MAX, 0));
}

#[test]
fn elements_that_the_job_does_not_have_are_not_drawn() {
    // An element an item, all of them drawn.
    let plan = plan(&[1]);
    let drawn = |operation, index| is_drawn(&plan, 3, Sampled, &[1; 32], operation, index);
    assert!((0..3).all(|index| drawn(0, index)));
    assert!(!drawn(0, 3) && !drawn(0, u64::MAX) && !drawn(1, 0) && !drawn(u16::MAX, u64::MAX));
}

#[test]
fn scopes_have_fixed_bytes() {
    assert_eq!((Sampled.encode(), Full.encode()), (vec![0], vec![1]));
    assert_eq!(AuditScope::decode_all(&mut &[1][..]), Ok(Full));
    assert!(AuditScope::decode_all(&mut &[2][..]).is_err());
    assert_eq!(AuditScope::max_encoded_len(), 1);
}
