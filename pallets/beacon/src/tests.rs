//! The beacon's behaviour, one sentence a test.

use crate::{mix, mock::*, Event, Outputs};
use codec::Encode;
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
