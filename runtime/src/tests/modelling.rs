//! Registering models.

use super::chain::*;
use crate::{Models, Runtime, RuntimeEvent};
use codec::Encode;
use frame_support::{assert_noop, assert_ok};
use mizan_tensor::{Operand, Operation, Program, TensorType};
use pallet_models::{Error, Event, HoldReason};
use polkadot_sdk::*;
use sp_core::H256;
use sp_keyring::Sr25519Keyring;
use sp_runtime::TokenError;

type ModelsError = Error<Runtime>;

fn register(who: Sr25519Keyring, bytes: Vec<u8>) -> frame_support::dispatch::DispatchResult {
    Models::register_model(signed(who), bytes.try_into().expect("short enough"))
}

fn refused(change: impl FnOnce(&mut Program), error: ModelsError) {
    let mut program = program(Alice);
    change(&mut program);
    assert_noop!(register(Alice, program.encode()), error);
}

#[test]
fn registered_model_has_its_cost_and_holds_a_deposit() {
    on_chain(|| {
        let bytes = program(Alice).encode();
        let model = model();
        assert_eq!(model, H256(program(Alice).id()));
        let stored = pallet_models::Models::<Runtime>::get(model).unwrap();
        let deposit = economics().deposit_for_model(bytes.len() as u32).unwrap();
        assert_eq!((stored.owner, stored.deposit), (id(Alice), deposit));
        assert_eq!(held(Alice, HoldReason::Model), deposit);
        assert_eq!(stored.summary.cost.item_macs, 24);
        assert_eq!((stored.summary.inputs, stored.summary.outputs), (1, 1));
        assert_eq!(
            pallet_models::Programs::<Runtime>::get(model)
                .unwrap()
                .into_inner(),
            bytes
        );
        let event = Event::ModelRegistered {
            model,
            owner: id(Alice),
            item_macs: 24,
        };
        assert!(events().contains(&RuntimeEvent::Models(event)));
    });
}

#[test]
fn model_is_registered_once_and_by_its_owner_only() {
    on_chain(|| {
        let bytes = program(Alice).encode();
        assert_noop!(register(Bob, bytes.clone()), ModelsError::NotYourProgram);
        assert_ok!(register(Alice, bytes.clone()));
        assert_noop!(register(Alice, bytes), ModelsError::ModelExists);
    });
}

#[test]
fn model_that_is_not_a_program_is_refused() {
    on_chain(|| {
        assert_noop!(register(Alice, vec![]), ModelsError::Undecodable);
        assert_noop!(register(Alice, vec![0xff; 5_000]), ModelsError::Undecodable);
        let mut bytes = program(Alice).encode();
        bytes.push(0);
        assert_noop!(register(Alice, bytes), ModelsError::Undecodable);
        // A list that claims more entries than there are bytes.
        let mut bytes = program(Alice).encode();
        bytes.truncate(40);
        bytes.extend([0xfe, 0xff, 0xff, 0xff]);
        assert_noop!(register(Alice, bytes), ModelsError::Undecodable);
    });
}

#[test]
fn oversized_model_does_not_even_decode_as_a_call() {
    let too_long = vec![0u8; mizan_tensor::MAX_PROGRAM_BYTES as usize + 1];
    assert!(pallet_models::ProgramBytes::try_from(too_long.clone()).is_err());
    let encoded = too_long.encode();
    assert!(<pallet_models::ProgramBytes as codec::Decode>::decode(&mut &encoded[..]).is_err());
}

#[test]
fn model_with_a_fault_is_refused_with_the_exact_reason() {
    on_chain(|| {
        refused(|p| p.format = 9, ModelsError::UnknownFormat);
        refused(|p| p.outputs.clear(), ModelsError::EmptyProgram);
        refused(
            |p| p.inputs = vec![TensorType::i8(&[8]); 17],
            ModelsError::ProgramTooLong,
        );
        refused(|p| p.max_batch = 0, ModelsError::BatchOutOfRange);
        refused(
            |p| p.inputs[0].dimensions[0] = 0,
            ModelsError::BadDimensions,
        );
        refused(
            |p| p.inputs[0] = TensorType::channels(8),
            ModelsError::BadInputType,
        );
        refused(
            |p| p.inputs[0].dimensions = vec![u32::MAX; 4],
            ModelsError::TensorTooLarge,
        );
        refused(|p| p.parameters.truncate(1), ModelsError::DanglingReference);
        refused(
            |p| p.inputs[0].dimensions[0] = 9,
            ModelsError::ShapeMismatch,
        );
        let long = |p: &mut Program| {
            p.inputs[0] = TensorType::i8(&[65_537]);
            p.parameters[0].tensor = TensorType::i8(&[3, 65_537]);
        };
        refused(long, ModelsError::ReductionTooLong);
        refused(|p| p.outputs = vec![1], ModelsError::BadOutput);
        let cyclic = |p: &mut Program| {
            p.operations[0] = Operation::Linear {
                input: Operand::Operation(0),
                weights: 0,
                channels: 1,
                table: None,
            }
        };
        refused(cyclic, ModelsError::DanglingReference);
        assert_eq!(held(Alice, HoldReason::Model), 0);
    });
}

#[test]
fn every_program_error_has_an_error_of_its_own() {
    use mizan_tensor::ProgramError as P;
    let all = [
        P::UnknownFormat,
        P::Empty,
        P::TooMany,
        P::BatchOutOfRange,
        P::BadDimensions,
        P::BadInputType,
        P::TooLarge,
        P::DanglingReference,
        P::ShapeMismatch,
        P::ReductionTooLong,
        P::OpeningTooLarge,
        P::BadOutput,
    ];
    let names: std::collections::BTreeSet<_> = all
        .iter()
        .map(|error| format!("{:?}", ModelsError::from(*error)))
        .collect();
    assert_eq!(names.len(), all.len());
}

#[test]
fn model_is_refused_when_its_deposit_can_not_be_held() {
    on_chain(|| {
        let poor = Sr25519Keyring::One;
        let mut program = program(Alice);
        program.owner = id(poor).into();
        assert_noop!(
            register(poor, program.encode()),
            TokenError::FundsUnavailable
        );
        assert_eq!(pallet_models::Models::<Runtime>::iter().count(), 0);
    });
}
