use crate::*;
use codec::{Decode, Encode};
use proptest::prelude::*;

mod blake3_reference;
mod draws;
mod jobs;
mod judging;
mod openings;
mod receipts;
mod requests;
mod slices;
mod soundness;

/// `[64] -> linear 64 -> linear 64 -> add -> linear 10`, with parameters that do not matter.
fn network() -> Program {
    let linear = |input, weights: u16| Operation::Linear {
        input,
        weights,
        channels: weights + 1,
        table: Some(0),
    };
    let parameter = |tensor| Parameter {
        hash: [0; 32],
        tensor,
    };
    Program {
        format: FORMAT,
        owner: [7; 32],
        max_batch: 512,
        inputs: vec![TensorType::i8(&[64])],
        parameters: vec![
            parameter(TensorType::i8(&[64, 64])),
            parameter(TensorType::channels(64)),
            parameter(TensorType::i8(&[64, 64])),
            parameter(TensorType::channels(64)),
            parameter(TensorType::i8(&[10, 64])),
            parameter(TensorType::channels(10)),
        ],
        tables: vec![Table::from_fn(|x| x.max(0))],
        operations: vec![
            linear(Operand::Input(0), 0),
            linear(Operand::Operation(0), 2),
            Operation::Add {
                left: Operand::Operation(0),
                right: Operand::Operation(1),
                left_multiplier: 1,
                right_multiplier: 1,
                shift: 1,
                table: None,
            },
            linear(Operand::Operation(2), 4),
        ],
        outputs: vec![3],
    }
}

fn refused(change: impl FnOnce(&mut Program)) -> ProgramError {
    let mut program = network();
    change(&mut program);
    Plan::new(program).expect_err("the program was accepted")
}

fn linear_program(batch: u32, k: u32, n: u32) -> Program {
    let mut program = network();
    program.max_batch = batch;
    program.inputs = vec![TensorType::i8(&[k])];
    program.parameters[0].tensor = TensorType::i8(&[n, k]);
    program.parameters[1].tensor = TensorType::channels(n);
    program.operations.truncate(1);
    program.outputs = vec![0];
    program
}

#[test]
fn golden_vectors_hold() {
    let vectors = vectors::all().unwrap();
    assert!(vectors.len() > 200);
    for vector in vectors {
        let plan = Plan::new(vector.program).unwrap();
        let parameters: Vec<&[u8]> = vector.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = vector.inputs.iter().map(Vec::as_slice).collect();
        let execution = execute(&plan, &parameters, &inputs, vector.batch).unwrap();
        assert_eq!(execution.trace, vector.trace, "{}", vector.name);
        assert_eq!(execution.outputs, vec![vector.trace], "{}", vector.name);
    }
}

#[test]
fn golden_vectors_reach_both_ends_of_every_range() {
    let programs = vectors::all().unwrap();
    let reduction = |k| {
        programs.iter().any(|v| {
            v.program
                .parameters
                .first()
                .is_some_and(|p| p.tensor.dimensions.last() == Some(&k))
        })
    };
    assert!(reduction(1) && reduction(MAX_REDUCTION));
}

#[test]
fn plan_resolves_shapes_costs_and_offsets() {
    let plan = Plan::new(network()).unwrap();
    let macs = 64 * 64 + 64 * 64 + 2 * 64 + 64 * 10;
    assert_eq!(plan.cost().item_macs, macs);
    assert_eq!(plan.cost().macs(360), 360 * u128::from(macs));
    assert_eq!(plan.cost().item_trace_bytes, 64 + 64 + 64 + 10);
    assert_eq!(plan.cost().item_output_bytes, 10);
    assert_eq!(
        plan.cost().parameter_bytes,
        2 * (64 * 64 + 64 * 16) + 640 + 160
    );
    assert_eq!(plan.trace_offset(3, 5), Some(5 * 192));
    assert_eq!(plan.trace_bytes(5), Some(5 * 202));
    assert_eq!(plan.tensor_bytes(TensorRef::Operation(3), 5), Some(50));
    assert_eq!(
        plan.cost().full_audit_bytes(2),
        plan.cost().parameter_bytes + 2 * (64 + 202)
    );
    assert!(plan.cost().sampled_audit_bytes(1) < plan.cost().sampled_audit_bytes(8));
    assert_eq!(
        plan.cost().sampled_audit_bytes(8),
        plan.cost().sampled_audit_bytes(9)
    );
}

#[test]
fn compute_units_are_split_into_whole_and_billionths() {
    assert_eq!(compute_units(3_000_000_007), (3, 7));
    assert_eq!(compute_units(0), (0, 0));
}

#[test]
fn program_with_an_unknown_format_is_refused() {
    assert_eq!(refused(|p| p.format = 2), ProgramError::UnknownFormat);
}

#[test]
fn program_without_inputs_operations_or_outputs_is_refused() {
    assert_eq!(refused(|p| p.inputs.clear()), ProgramError::Empty);
    assert_eq!(refused(|p| p.operations.clear()), ProgramError::Empty);
    assert_eq!(refused(|p| p.outputs.clear()), ProgramError::Empty);
}

#[test]
fn program_with_too_long_lists_is_refused() {
    let too_many = |p: &mut Program| p.tables = vec![Table([0; 256]); MAX_TABLES as usize + 1];
    assert_eq!(refused(too_many), ProgramError::TooMany);
    assert_eq!(
        refused(|p| p.inputs = vec![TensorType::i8(&[1]); 17]),
        ProgramError::TooMany
    );
}

#[test]
fn program_with_a_batch_out_of_range_is_refused() {
    assert_eq!(refused(|p| p.max_batch = 0), ProgramError::BatchOutOfRange);
    assert_eq!(
        refused(|p| p.max_batch = MAX_BATCH + 1),
        ProgramError::BatchOutOfRange
    );
}

#[test]
fn program_with_zero_missing_or_too_many_dimensions_is_refused() {
    for dimensions in [vec![], vec![0], vec![64, 0], vec![1; 5]] {
        let change = |p: &mut Program| p.inputs[0].dimensions = dimensions.clone();
        assert_eq!(refused(change), ProgramError::BadDimensions);
        let change = |p: &mut Program| p.parameters[0].tensor.dimensions = dimensions.clone();
        assert_eq!(refused(change), ProgramError::BadDimensions);
    }
}

#[test]
fn program_with_an_input_of_records_is_refused() {
    let change = |p: &mut Program| p.inputs[0] = TensorType::channels(4);
    assert_eq!(refused(change), ProgramError::BadInputType);
}

#[test]
fn program_whose_products_overflow_is_refused() {
    let change = |p: &mut Program| p.inputs[0].dimensions = vec![u32::MAX; 4];
    assert_eq!(refused(change), ProgramError::TooLarge);
    let change = |p: &mut Program| p.parameters[0].tensor.dimensions = vec![u32::MAX; 4];
    assert_eq!(refused(change), ProgramError::TooLarge);
    // One item fits, the batch does not.
    let mut program = linear_program(MAX_BATCH, 1, 1 << 25);
    program.operations.truncate(1);
    assert_eq!(Plan::new(program).unwrap_err(), ProgramError::TooLarge);
}

#[test]
fn program_with_dangling_references_is_refused() {
    let input = |operand| {
        move |p: &mut Program| {
            p.operations[0] = Operation::Linear {
                input: operand,
                weights: 0,
                channels: 1,
                table: None,
            }
        }
    };
    assert_eq!(
        refused(input(Operand::Input(1))),
        ProgramError::DanglingReference
    );
    // Itself, and one that comes later.
    assert_eq!(
        refused(input(Operand::Operation(0))),
        ProgramError::DanglingReference
    );
    assert_eq!(
        refused(input(Operand::Operation(1))),
        ProgramError::DanglingReference
    );
    assert_eq!(
        refused(|p| p.tables.clear()),
        ProgramError::DanglingReference
    );
    assert_eq!(
        refused(|p| p.parameters.truncate(5)),
        ProgramError::DanglingReference
    );
}

#[test]
fn program_whose_shapes_do_not_fit_is_refused() {
    let mismatches: [fn(&mut Program); 6] = [
        |p| p.inputs[0].dimensions = vec![63],
        |p| p.parameters[0].tensor.dimensions = vec![64, 63],
        |p| p.parameters[0].tensor.dimensions = vec![64 * 64],
        |p| p.parameters[1].tensor = TensorType::channels(63),
        |p| p.parameters[1].tensor = TensorType::i8(&[64]),
        |p| p.parameters[2].tensor.dimensions = vec![32, 64],
    ];
    for change in mismatches {
        assert_eq!(refused(change), ProgramError::ShapeMismatch);
    }
}

#[test]
fn program_with_a_too_long_reduction_is_refused() {
    assert!(Plan::new(linear_program(1, MAX_REDUCTION, 1)).is_ok());
    let long = linear_program(1, MAX_REDUCTION + 1, 1);
    assert_eq!(Plan::new(long).unwrap_err(), ProgramError::ReductionTooLong);
}

#[test]
fn worst_opening_is_bounded_even_for_the_longest_reduction() {
    let plan = Plan::new(linear_program(MAX_BATCH, MAX_REDUCTION, 64)).unwrap();
    assert!(plan.cost().opening_bytes > 2 * u64::from(MAX_REDUCTION));
    assert!(plan.cost().opening_bytes <= MAX_OPENING_BYTES);
}

#[test]
fn program_with_bad_outputs_is_refused() {
    assert_eq!(refused(|p| p.outputs = vec![4]), ProgramError::BadOutput);
    assert_eq!(refused(|p| p.outputs = vec![3, 3]), ProgramError::BadOutput);
}

#[test]
fn program_bytes_round_trip_and_refuse_trailing_bytes() {
    let program = network();
    let mut bytes = program.encode();
    assert_eq!(Program::from_bytes(&bytes).unwrap(), program);
    assert_eq!(program.id(), hash_bytes(&bytes));
    bytes.push(0);
    assert!(Program::from_bytes(&bytes).is_err());
    let mut other = program.clone();
    other.owner = [8; 32];
    assert_ne!(other.id(), program.id());
}

#[test]
fn execution_refuses_what_does_not_fit_the_program() {
    let plan = Plan::new(linear_program(2, 3, 2)).unwrap();
    let (weights, channels) = ([1u8; 6], [0u8; 32]);
    let run = |parameters: &[&[u8]], inputs: &[&[u8]], batch| {
        execute(&plan, parameters, inputs, batch).unwrap_err()
    };
    // The parameters of the network that this program does not read are still its parameters.
    let mut parameters: Vec<&[u8]> = vec![&weights, &channels];
    let rest: Vec<Vec<u8>> = plan.program().parameters[2..]
        .iter()
        .map(|p| vec![0; p.tensor.bytes().unwrap() as usize])
        .collect();
    parameters.extend(rest.iter().map(Vec::as_slice));
    assert!(execute(&plan, &parameters, &[&[0; 6]], 2).is_ok());
    assert_eq!(
        run(&parameters, &[&[0; 6]], 0),
        ExecutionError::BatchOutOfRange
    );
    assert_eq!(
        run(&parameters, &[&[0; 9]], 3),
        ExecutionError::BatchOutOfRange
    );
    assert_eq!(
        run(&parameters[1..], &[&[0; 6]], 2),
        ExecutionError::WrongCount
    );
    assert_eq!(run(&parameters, &[], 2), ExecutionError::WrongCount);
    let short = ExecutionError::WrongLength(TensorRef::Input(0));
    assert_eq!(run(&parameters, &[&[0; 5]], 2), short);
    parameters[1] = &channels[1..];
    let short = ExecutionError::WrongLength(TensorRef::Parameter(1));
    assert_eq!(run(&parameters, &[&[0; 6]], 2), short);
}

#[test]
fn element_outside_the_output_does_not_exist() {
    struct Nothing;
    impl Source for Nothing {
        type Error = ();
        fn bytes(&self, _: Span) -> Result<&[u8], ()> {
            Err(())
        }
    }
    struct Short;
    impl Source for Short {
        type Error = ();
        fn bytes(&self, _: Span) -> Result<&[u8], ()> {
            Ok(&[])
        }
    }
    let plan = Plan::new(network()).unwrap();
    assert_eq!(
        plan.element(4, 0, 1, &Nothing),
        Err(ElementError::NoSuchOperation)
    );
    assert_eq!(
        plan.element(3, 10, 1, &Nothing),
        Err(ElementError::OutOfRange)
    );
    assert_eq!(
        plan.element(3, 9, 1, &Nothing),
        Err(ElementError::Source(()))
    );
    assert_eq!(
        plan.element(3, 9, 1, &Short),
        Err(ElementError::WrongLength)
    );
}

proptest! {
    #[test]
    fn requantise_equals_the_formula_in_wide_integers(
        acc in -(1i64 << 30)..=(1i64 << 30), bias: i32, multiplier: i32, shift: u8,
    ) {
        let v = acc + i64::from(bias);
        let capped = u32::from(shift.min(62));
        let round = if capped == 0 { 0 } else { 1i128 << (capped - 1) };
        let wide = (i128::from(v) * i128::from(multiplier) + round) >> capped;
        prop_assert_eq!(i128::from(requantise(v, multiplier, shift)), wide.clamp(-128, 127));
    }

    #[test]
    fn items_do_not_mix(
        seed in prop::collection::vec(any::<u8>(), 4 * 5),
        weights in prop::collection::vec(any::<u8>(), 15),
        channels in prop::collection::vec(any::<u8>(), 48),
    ) {
        let mut program = linear_program(4, 5, 3);
        program.parameters.truncate(2);
        let plan = Plan::new(program).unwrap();
        let parameters: [&[u8]; 2] = [&weights, &channels];
        let whole = execute(&plan, &parameters, &[&seed], 4).unwrap();
        for item in 0..4 {
            let one = execute(&plan, &parameters, &[&seed[item * 5..][..5]], 1).unwrap();
            prop_assert_eq!(&whole.outputs[0][item * 3..][..3], &one.outputs[0][..]);
        }
    }

    #[test]
    fn no_bytes_make_decoding_or_validation_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(program) = Program::decode(&mut &bytes[..]) {
            let _ = Plan::new(program);
        }
    }

    #[test]
    fn no_small_change_to_a_program_makes_validation_panic(position in 0usize..2000, byte: u8) {
        let mut bytes = network().encode();
        let position = position % bytes.len();
        bytes[position] = byte;
        if let Ok(program) = Program::from_bytes(&bytes) {
            let _ = Plan::new(program).map(|plan| plan.spans(0, 0, 1));
        }
    }
}
