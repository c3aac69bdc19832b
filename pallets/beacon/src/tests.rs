//! The beacon's behaviour, one sentence a test.

use crate::{mix, mock::*, Event, Outputs, Slots};
use codec::Encode;
use mizan_protocol::traits::Beacon as _;
use polkadot_sdk::*;
use sp_core::H256;
use sp_io::hashing::blake2_256;

fn missing_vrf_events() -> Vec<u32> {
    System::events()
        .into_iter()
        .filter_map(|record| match record.event {
            RuntimeEvent::Beacon(Event::OutputWithoutVrf { block }) => Some(block),
            _ => None,
        })
        .collect()
}

#[test]
fn output_is_the_hash_of_previous_output_number_and_vrf() {
    on_new_chain(|| {
        run_to_block(6);
        let previous = Beacon::output(4).expect("block 4 is recent");
        let mut bytes = previous.to_vec();
        bytes.extend_from_slice(&5u32.to_le_bytes());
        bytes.extend_from_slice(vrf_of(5).as_bytes());
        assert_eq!(Beacon::output(5), Some(blake2_256(&bytes)));
    });
}

#[test]
fn first_output_follows_from_zeros_and_the_genesis_number() {
    on_new_chain(|| {
        run_to_block(1);
        assert_eq!(
            Beacon::output(0),
            Some(blake2_256(&([0u8; 32], 0u32).encode()))
        );
        assert!(missing_vrf_events().is_empty());
    });
}

#[test]
fn latest_is_the_parents_output() {
    on_new_chain(|| {
        assert_eq!(Beacon::latest(), [0; 32]);
        run_to_block(5);
        assert_eq!(Some(Beacon::latest()), Beacon::output(4));
    });
}

#[test]
fn output_of_an_unfinished_block_is_unknown() {
    on_new_chain(|| {
        run_to_block(5);
        assert_eq!(Beacon::output(5), None);
        assert_eq!(Beacon::output(6), None);
    });
}

#[test]
fn outputs_are_kept_for_the_retention_and_no_longer() {
    on_new_chain(|| {
        run_to_block(3 * RETENTION);
        let newest = 3 * RETENTION - 1;
        let oldest = newest - RETENTION + 1;
        assert!((oldest..=newest).all(|block| Beacon::output(block).is_some()));
        assert_eq!(Beacon::output(oldest - 1), None);
        assert_eq!(Outputs::<Test>::iter().count(), RETENTION as usize);
    });
}

#[test]
fn equal_vrf_outputs_give_equal_chains() {
    let outputs_of_a_chain = || {
        let mut outputs = Vec::new();
        on_new_chain(|| {
            run_to_block(RETENTION);
            outputs = (0..RETENTION).map(Beacon::output).collect();
        });
        outputs
    };
    assert_eq!(outputs_of_a_chain(), outputs_of_a_chain());
}

#[test]
fn one_different_vrf_output_changes_every_later_output() {
    let outputs_with_vrf_of_second_block = |vrf: H256| {
        let mut outputs = Vec::new();
        on_new_chain(|| {
            run_to_block(2);
            enter_next_block(Some(vrf));
            run_to_block(6);
            outputs = (0..6).filter_map(Beacon::output).collect();
        });
        outputs
    };
    let one = outputs_with_vrf_of_second_block(H256::repeat_byte(1));
    let other = outputs_with_vrf_of_second_block(H256::repeat_byte(2));
    assert_eq!(one[..2], other[..2]);
    assert!(one[2..].iter().zip(&other[2..]).all(|(a, b)| a != b));
}

#[test]
fn missing_vrf_is_reported_and_the_chain_goes_on() {
    on_new_chain(|| {
        run_to_block(3);
        let previous = Beacon::latest();
        enter_next_block(None);
        assert_eq!(Beacon::output(3), Some(mix(&previous, 3u32, None::<H256>)));
        assert_eq!(missing_vrf_events(), vec![3]);
        run_to_block(5);
        assert!(Beacon::output(4).is_some());
        assert_eq!(missing_vrf_events(), vec![3]);
    });
}

#[test]
fn zero_vrf_differs_from_missing_vrf() {
    assert_ne!(
        mix(&[0; 32], 1u32, Some(H256::zero())),
        mix(&[0; 32], 1u32, None::<H256>)
    );
}

#[test]
fn try_state_fails_when_an_output_is_missing() {
    on_new_chain(|| {
        run_to_block(6);
        let output = Outputs::<Test>::take(3).expect("block 3 is recent");
        assert_eq!(
            Beacon::do_try_state(),
            Err("a block's output is missing between the oldest and the newest".into())
        );
        Outputs::<Test>::insert(3, output);
    });
}

#[test]
fn try_state_fails_when_an_output_outlives_the_retention() {
    on_new_chain(|| {
        run_to_block(2 * RETENTION);
        Outputs::<Test>::insert(RETENTION - 1, [0; 32]);
        assert_eq!(
            Beacon::do_try_state(),
            Err("an output is older than the retention".into())
        );
        Outputs::<Test>::remove(RETENTION - 1);
    });
}

#[test]
fn a_blocks_slot_is_known_in_it_and_in_the_next_one() {
    on_new_chain(|| {
        run_to_block(3);
        assert_eq!(Beacon::slot(), FIRST_SLOT + 2);
        assert_eq!(Beacon::parent_slot(), FIRST_SLOT + 1);
        skip_slots(10);
        assert_eq!(Beacon::slot(), FIRST_SLOT + 13);
        assert_eq!(Beacon::parent_slot(), FIRST_SLOT + 2);
    });
}

#[test]
fn the_genesis_block_has_slot_zero() {
    on_new_chain(|| {
        run_to_block(1);
        assert_eq!(Beacon::parent_slot(), 0);
        assert_eq!(Beacon::first_since(0), Beacon::output(0));
        assert_eq!(Beacon::first_since(1), None);
    });
}

#[test]
fn first_since_is_the_block_of_that_slot() {
    on_new_chain(|| {
        run_to_block(6);
        for block in 1..6 {
            let slot = FIRST_SLOT + u64::from(block) - 1;
            assert_eq!(Beacon::first_since(slot), Beacon::output(block), "{block}");
        }
    });
}

#[test]
fn first_since_is_the_first_block_after_an_empty_slot() {
    on_new_chain(|| {
        run_to_block(3);
        // Block 3 has slot 502, block 4 slot 508.
        skip_slots(5);
        run_to_block(7);
        assert_eq!(Beacon::first_since(FIRST_SLOT + 2), Beacon::output(3));
        for empty in 3..=8 {
            let first = Beacon::first_since(FIRST_SLOT + empty);
            assert_eq!(first, Beacon::output(4), "{empty}");
        }
        assert_eq!(Beacon::first_since(FIRST_SLOT + 9), Beacon::output(5));
    });
}

#[test]
fn no_block_is_first_before_it_is_finished() {
    on_new_chain(|| {
        run_to_block(4);
        skip_slots(100);
        let slot = Beacon::slot();
        assert_eq!(Beacon::first_since(slot), None);
        assert_eq!(Beacon::first_since(FIRST_SLOT + 4), None);
        run_to_block(6);
        assert_eq!(Beacon::first_since(slot), Beacon::output(5));
        assert_eq!(Beacon::first_since(FIRST_SLOT + 4), Beacon::output(5));
    });
}

#[test]
fn first_since_is_unknown_when_an_earlier_block_may_be_forgotten() {
    on_new_chain(|| {
        run_to_block(3 * RETENTION);
        let oldest = 2 * RETENTION;
        assert!(
            Outputs::<Test>::contains_key(oldest) && !Outputs::<Test>::contains_key(oldest - 1)
        );
        let slot = FIRST_SLOT + u64::from(oldest) - 1;
        // Whether the oldest one was the first since its own slot is forgotten, too.
        assert_eq!(Beacon::first_since(slot), None);
        assert_eq!(Beacon::first_since(slot + 1), Beacon::output(oldest + 1));
        assert_eq!(Slots::<Test>::iter().count(), RETENTION as usize + 1);
    });
}

/// By looking at every block.
#[test]
fn first_since_is_what_a_search_of_all_blocks_finds() {
    on_new_chain(|| {
        for empty in [0, 3, 0, 0, 1, 7, 0, 2, 0, 0, 5, 0, 1] {
            skip_slots(empty);
            let now = System::block_number();
            let kept = now.saturating_sub(RETENTION).max(1)..now;
            let slots: Vec<_> = kept
                .map(|block| (Slots::<Test>::get(block), block))
                .collect();
            let oldest = slots.first().map_or(0, |(slot, _)| *slot);
            for slot in oldest + 1..Beacon::slot() + 3 {
                let first = slots.iter().find(|(of_block, _)| *of_block >= slot);
                let expected = first.and_then(|(_, block)| Beacon::output(*block));
                assert_eq!(Beacon::first_since(slot), expected, "{slot} at {now}");
            }
        }
    });
}

#[test]
fn try_state_fails_when_a_slot_is_missing_or_too_early() {
    on_new_chain(|| {
        run_to_block(6);
        let slot = Slots::<Test>::take(4);
        let missing = "slots are not those of the blocks with an output and of this one";
        assert_eq!(Beacon::do_try_state(), Err(missing.into()));
        Slots::<Test>::insert(4, slot - 1);
        let early = "a block's slot is not after that of the block before";
        assert_eq!(Beacon::do_try_state(), Err(early.into()));
        Slots::<Test>::insert(4, slot);
    });
}
