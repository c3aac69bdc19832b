//! Programs whose results are known, for a device to prove itself on.

use super::{
    error::DeviceError,
    info::KernelFamily,
    job::{Job, PartError},
    parts::{items_per_part, Part},
    process::Process,
};
use crate::{CpuExecutor, Executor};
use mizan_tensor::{
    hash_bytes, vectors, Commitment, Execution, Operand, Operation, Parameter, Plan, Program,
    Table, TensorType, FORMAT,
};
use std::sync::LazyLock;

/// Rows, columns and reductions around the sizes of the kernels' tiles: a few of each path that a
/// kernel has, fast and slow. The last two are large enough for all ways of their shape to be tried.
const PRODUCTS: [[u32; 3]; 7] = [
    [1, 257, 1_040],
    [17, 131, 1_023],
    [129, 257, 512],
    [300, 520, 272],
    [61, 33, 4_099],
    [33, 131, 1_040],
    [33, 131, 1_023],
];

/// Fewest neighbouring bytes that the device hashes, so that it does of the larger ones.
const LEAST_HASHED_BYTES: u64 = 64 << 10;

/// A program with all bytes that it needs and what comes out.
struct Known {
    name: String,
    plan: Plan,
    batch: u32,
    parameters: Vec<Vec<u8>>,
    inputs: Vec<Vec<u8>>,
    trace: Vec<u8>,
}

/// The golden vectors, and products as large as the kernels' tiles, computed by the processor.
static ALL: LazyLock<Result<Vec<Known>, DeviceError>> = LazyLock::new(|| {
    let broken = |line: usize| failed(&format!("line {line} of the vectors"));
    let mut all = Vec::new();
    for vector in vectors::all().map_err(broken)? {
        let plan = Plan::new(vector.program).map_err(|_| failed(&vector.name))?;
        all.push(Known {
            name: vector.name,
            plan,
            batch: vector.batch,
            parameters: vector.parameters,
            inputs: vector.inputs,
            trace: vector.trace,
        });
    }
    for shape in PRODUCTS {
        all.push(product(shape)?);
    }
    Ok(all)
});

fn failed(program: &str) -> DeviceError {
    DeviceError::SelfCheckFailed {
        program: program.into(),
    }
}

/// Products that fill a device of so many multiprocessors with tiles of 128 columns, and of 256:
/// other kernels than smaller ones.
fn filling_products(processors: u32) -> [[u32; 3]; 2] {
    // So far no device has more than some hundred.
    let processors = processors.clamp(1, 1_024);
    [[100, 128 * processors, 48], [100, 256 * processors, 48]]
}

/// The same with reductions of several rounds through shared memory, on the fast path and on the
/// slow one: what multiplies only where it fills the device would not come to them otherwise.
fn deep_products(processors: u32) -> [[u32; 3]; 2] {
    let [_, [_, n, _]] = filling_products(processors);
    [[70, n, 1_040], [70, n, 331]]
}

/// Executes all of it; an error names the first program that came out differently, or says why
/// one did not come out at all.
pub(crate) fn run(process: &Process) -> Result<(), DeviceError> {
    for known in ALL.as_ref().map_err(Clone::clone)? {
        known.check(process)?;
    }
    for shape in filling_products(process.device.processors) {
        product(shape)?.check(process)?;
    }
    if process.family == KernelFamily::Wgmma {
        for shape in deep_products(process.device.processors) {
            product(shape)?.check(process)?;
        }
    }
    Ok(())
}

impl Known {
    fn check(&self, process: &Process) -> Result<(), DeviceError> {
        let most = items_per_part(&self.plan, process.slot_bytes(), u64::MAX);
        let mut trace = vec![0; self.trace.len()];
        let parameters: Vec<&[u8]> = self.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = self.inputs.iter().map(Vec::as_slice).collect();
        let job = Job::new(&self.plan, &parameters, &inputs, self.batch);
        let job = job.map_err(|_| failed(&self.name))?;
        let job = job.committing(LEAST_HASHED_BYTES);
        let whole = Part::whole(&self.plan, self.batch, &mut trace);
        let whole = whole.ok_or_else(|| failed(&self.name))?;
        for mut part in whole.cut(most) {
            job.run(process, 0, &mut part)
                .map_err(|failure| match failure {
                    PartError::Device {
                        error: DeviceError::ResultCheckFailed { .. },
                        ..
                    }
                    | PartError::WrongParameter(_) => failed(&self.name),
                    PartError::Device { error, .. } => error,
                })?;
        }
        let outputs = self.plan.outputs(&trace, self.batch).unwrap_or_default();
        let execution = Execution { trace, outputs };
        let commitment = job.commitment(&execution);
        match execution.trace == self.trace && commitment == Commitment::to(&execution) {
            true => Ok(()),
            false => Err(failed(&self.name)),
        }
    }
}

/// A product of that shape, its sum with itself, and a table over both, as the processor computes
/// them.
fn product(shape: [u32; 3]) -> Result<Known, DeviceError> {
    let [rows, n, k] = shape;
    let name = format!("a product of {rows} x {k} and {n} x {k}");
    let mut channels = noise(1, n * 16);
    for record in channels.chunks_exact_mut(16) {
        // A bias of 24 bits, and a scale that leaves results in range.
        (record[3], record[8]) = (0, 40 + record[8] % 8);
    }
    let parameters = vec![noise(2, n * k), channels];
    let inputs = vec![noise(3, rows * k)];
    let plan = Plan::new(product_program(shape, &parameters)).map_err(|_| failed(&name))?;
    let execution = {
        let parameters: Vec<&[u8]> = parameters.iter().map(Vec::as_slice).collect();
        CpuExecutor::new().execute(&plan, &parameters, &[&inputs[0]], rows)
    };
    Ok(Known {
        trace: execution.map_err(|_| failed(&name))?.trace,
        name,
        plan,
        batch: rows,
        parameters,
        inputs,
    })
}

fn product_program([rows, n, k]: [u32; 3], parameters: &[Vec<u8>]) -> Program {
    let types = [TensorType::i8(&[n, k]), TensorType::channels(n)];
    let parameters = parameters.iter().zip(types);
    let parameters = parameters.map(|(bytes, tensor)| Parameter {
        hash: hash_bytes(bytes),
        tensor,
    });
    Program {
        format: FORMAT,
        owner: [0; 32],
        max_batch: rows,
        inputs: vec![TensorType::i8(&[k])],
        parameters: parameters.collect(),
        tables: vec![Table::from_fn(|x| x.wrapping_mul(91).wrapping_add(17))],
        operations: vec![
            Operation::Linear {
                input: Operand::Input(0),
                weights: 0,
                channels: 1,
                table: Some(0),
            },
            Operation::Add {
                left: Operand::Operation(0),
                right: Operand::Operation(0),
                left_multiplier: 1_234_567,
                right_multiplier: -7_654_321,
                shift: 23,
                table: Some(0),
            },
        ],
        outputs: vec![1],
    }
}

/// Bytes of a linear congruential generator.
fn noise(seed: u64, count: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reference;

    #[test]
    fn what_is_taken_for_known_is_what_the_definition_says() {
        let all = ALL.as_ref().unwrap();
        let names: Vec<_> = all.iter().map(|known| &known.name).collect();
        assert!(names.len() > PRODUCTS.len() + 50, "{names:?}");
        let small = all
            .iter()
            .filter(|known| known.plan.cost().macs(known.batch) < 10_000_000);
        for known in small {
            let parameters: Vec<&[u8]> = known.parameters.iter().map(Vec::as_slice).collect();
            let inputs: Vec<&[u8]> = known.inputs.iter().map(Vec::as_slice).collect();
            let result = Reference.execute(&known.plan, &parameters, &inputs, known.batch);
            assert!(result.unwrap().trace == known.trace, "{}", known.name);
        }
    }

    #[test]
    fn deep_products_fill_a_device_and_go_round_all_stages_on_both_paths() {
        // Four stages of 128 bytes.
        for processors in [2, 108, 132] {
            let [[_, first, whole], [_, second, odd]] = deep_products(processors);
            assert!(first.min(second).div_ceil(256) >= processors);
            assert!(whole > 4 * 128 && whole % 16 == 0 && odd > 2 * 128 && odd % 16 != 0);
        }
    }

    #[test]
    fn products_that_fill_a_device_have_as_many_tiles_as_it_has_processors() {
        for processors in [2, 108, 132] {
            let [[_, middle, _], [_, large, _]] = filling_products(processors);
            assert!(middle.div_ceil(128) >= processors && middle.div_ceil(256) < processors);
            assert!(large.div_ceil(256) >= processors);
        }
    }
}
