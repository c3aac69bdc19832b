//! The call at its worst.

use crate::*;
use alloc::vec;
use frame_benchmarking::v2::*;
use frame_support::traits::{
    fungible::{Mutate, MutateHold},
    Get,
};
use frame_system::RawOrigin;
use mizan_protocol::{weights::LEAST_OPERATION_BYTES, UNIT};
use mizan_tensor::{
    Operand, Operation, Parameter, TensorType, FORMAT, MAX_INPUTS, MAX_OPERATIONS, MAX_OUTPUTS,
    MAX_PROGRAM_BYTES,
};
use sp_core::H256;

/// Bytes of the shortest parameter: its hash, its element type and one dimension.
const LEAST_PARAMETER_BYTES: u32 = 38;
/// Most parameters besides the most operations, with room for what every program has.
const MOST_PARAMETERS: u32 =
    (MAX_PROGRAM_BYTES - LEAST_OPERATION_BYTES * MAX_OPERATIONS - 1_024) / LEAST_PARAMETER_BYTES;

/// A chain of `operations` with the most inputs and outputs that it can have, and `parameters`
/// that nothing reads.
///
/// A `Linear` reads three tensors, an `Add` two in nearly twice the bytes; a table takes 256 bytes
/// for one comparison. So nothing costs more for each byte.
fn program<AccountId: Into<[u8; 32]>>(
    owner: AccountId,
    operations: u32,
    parameters: u32,
) -> Program {
    let parameter = |hash: u8, tensor| Parameter {
        hash: [hash; 32],
        tensor,
    };
    let mut all = vec![
        parameter(1, TensorType::i8(&[8, 8])),
        parameter(2, TensorType::channels(8)),
    ];
    all.extend((0..parameters).map(|_| parameter(3, TensorType::i8(&[8]))));
    let operations = u16::try_from(operations).expect("at most 4,096; qed");
    Program {
        format: FORMAT,
        owner: owner.into(),
        max_batch: 1,
        inputs: vec![TensorType::i8(&[1, 1, 1, 8]); MAX_INPUTS as usize],
        parameters: all,
        tables: vec![],
        operations: (0..operations)
            .map(|index| Operation::Linear {
                input: match index.checked_sub(1) {
                    Some(previous) => Operand::Operation(previous),
                    None => Operand::Input(0),
                },
                weights: 0,
                channels: 1,
                table: None,
            })
            .collect(),
        outputs: (0..operations).rev().take(MAX_OUTPUTS as usize).collect(),
    }
}

#[benchmarks(where T::Currency: Mutate<T::AccountId> + MutateHold<T::AccountId>)]
mod benchmarks {
    use super::*;

    /// `o`: operations. `b`: bytes of parameters.
    #[benchmark]
    fn register_model(
        o: Linear<1, MAX_OPERATIONS>,
        b: Linear<0, { MOST_PARAMETERS * LEAST_PARAMETER_BYTES }>,
    ) -> Result<(), BenchmarkError> {
        let owner: T::AccountId = whitelisted_caller();
        let bytes = program(owner.clone(), o, b / LEAST_PARAMETER_BYTES).encode();
        let model = H256(mizan_tensor::hash_bytes(&bytes));
        let deposit = T::Economics::get().deposit_for_model(bytes.len() as u32);
        let funds = deposit
            .ok_or("the deposit is no number")?
            .saturating_add(UNIT);
        T::Currency::mint_into(&owner, funds)?;
        let bytes = ProgramBytes::try_from(bytes).map_err(|_| "the program is too long")?;

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), bytes);

        assert!(Models::<T>::contains_key(model));
        Ok(())
    }
}
