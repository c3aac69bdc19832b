//! Programs with all that a job of them needs, by chance and by size.

use mizan_engine::{EngineError, Executor};
use mizan_tensor::{
    hash_bytes, Commitment, Execution, Operand, Operation, Parameter, Plan, Program, Table,
    TensorType, FORMAT,
};

pub(crate) fn slices(tensors: &[Vec<u8>]) -> Vec<&[u8]> {
    tensors.iter().map(Vec::as_slice).collect()
}

/// A program with all that a job of it needs.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) plan: Plan,
    pub(crate) parameters: Vec<Vec<u8>>,
    pub(crate) inputs: Vec<Vec<u8>>,
    pub(crate) batch: u32,
}

impl Job {
    pub(crate) fn execute(&self, executor: &dyn Executor) -> Result<Execution, EngineError> {
        let (parameters, inputs) = (slices(&self.parameters), slices(&self.inputs));
        executor.execute(&self.plan, &parameters, &inputs, self.batch)
    }

    pub(crate) fn commit(
        &self,
        executor: &dyn Executor,
    ) -> Result<(Execution, Commitment), EngineError> {
        let (parameters, inputs) = (slices(&self.parameters), slices(&self.inputs));
        executor.execute_committed(&self.plan, &parameters, &inputs, self.batch)
    }

    /// With another parameter, under its own name.
    pub(crate) fn with_parameter(mut self, index: usize, bytes: Vec<u8>) -> Self {
        let mut program = self.plan.program().clone();
        program.parameters[index].hash = hash_bytes(&bytes);
        self.plan = Plan::new(program).unwrap();
        self.parameters[index] = bytes;
        self
    }
}

/// SplitMix64: bytes for tensors out of one seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Full-range bytes; one tensor in four of extremes only.
    pub(crate) fn bytes(&mut self, count: u64) -> Vec<u8> {
        let extremes = self.below(4) == 0;
        let byte = |random: &mut Self| match extremes {
            true => random.pick(&[0x80, 0x7f]),
            false => random.next() as u8,
        };
        (0..count).map(|_| byte(self)).collect()
    }

    /// Channel records: half of them any bytes, half with a scale that leaves results in range.
    fn channels(&mut self, count: u64) -> Vec<u8> {
        let mut records = Vec::new();
        for _ in 0..count {
            let mut record = self.next().to_le_bytes().to_vec();
            record.extend(self.next().to_le_bytes());
            if self.below(2) == 0 {
                let bias = (self.next() as i32) >> 16;
                record[..4].copy_from_slice(&bias.to_le_bytes());
                record[8] = 36 + self.below(12) as u8;
            }
            records.extend(record);
        }
        records
    }
}

/// Widths: one, around vector sizes, and primes.
const WIDTHS: &[u32] = &[
    1, 2, 3, 5, 7, 15, 16, 17, 31, 32, 33, 61, 64, 67, 97, 128, 131, 257,
];

/// A program in the making: its tensors so far with their widths, and its parameters' bytes.
struct Draft {
    random: Random,
    program: Program,
    pub(crate) parameters: Vec<Vec<u8>>,
    tensors: Vec<(Operand, u32)>,
}

impl Draft {
    /// Reads one of the two newest tensors; gives the width of the result.
    fn push_operation(&mut self) -> u32 {
        let (input, width) = self.random.pick(&self.tensors[self.tensors.len() - 2..]);
        let table = (self.random.below(2) == 0).then_some(0);
        if self.random.below(3) == 0 {
            self.push_add(input, width, table);
            width
        } else {
            self.push_linear(input, width, table)
        }
    }

    fn push_add(&mut self, left: Operand, width: u32, table: Option<u16>) {
        let same: Vec<_> = self
            .tensors
            .iter()
            .filter(|(_, other)| *other == width)
            .collect();
        self.program.operations.push(Operation::Add {
            left,
            right: self.random.pick(&same).0,
            left_multiplier: self.random.next() as i32,
            right_multiplier: self.random.next() as i32,
            shift: self.random.pick(&[0, 1, 24, 30, 31, 61, 62, 63, 255]),
            table,
        });
    }

    fn push_linear(&mut self, input: Operand, k: u32, table: Option<u16>) -> u32 {
        let n = self.random.pick(WIDTHS);
        let weights = self.program.parameters.len() as u16;
        let bytes = [
            self.random.bytes(u64::from(n * k)),
            self.random.channels(n.into()),
        ];
        let types = [TensorType::i8(&[n, k]), TensorType::channels(n)];
        for (bytes, tensor) in bytes.into_iter().zip(types) {
            let hash = hash_bytes(&bytes);
            self.program.parameters.push(Parameter { hash, tensor });
            self.parameters.push(bytes);
        }
        let channels = weights + 1;
        self.program.operations.push(Operation::Linear {
            input,
            weights,
            channels,
            table,
        });
        n
    }
}

/// A random chain of linear operations and additions over items of one to four dimensions.
pub(crate) fn random_job(seed: u64, batch: u32, operations: usize) -> Job {
    let mut random = Random(seed);
    let width = random.pick(WIDTHS);
    let shape: &[u32] = random.pick(&[&[][..], &[3], &[2, 2], &[1, 5, 1]]);
    let item: Vec<u32> = shape.iter().copied().chain([width]).collect();
    let table = random.bytes(256);
    let program = Program {
        format: FORMAT,
        owner: [0; 32],
        max_batch: batch,
        inputs: vec![TensorType::i8(&item); 2],
        parameters: Vec::new(),
        tables: vec![Table::from_fn(|x| table[usize::from(x as u8)] as i8)],
        operations: Vec::new(),
        outputs: Vec::new(),
    };
    let tensors = vec![(Operand::Input(0), width), (Operand::Input(1), width)];
    let mut draft = Draft {
        random,
        program,
        parameters: Vec::new(),
        tensors,
    };
    for index in 0..operations as u16 {
        let width = draft.push_operation();
        draft.tensors.push((Operand::Operation(index), width));
        if draft.random.below(3) == 0 || usize::from(index) + 1 == operations {
            draft.program.outputs.push(index);
        }
    }
    let Draft {
        mut random,
        program,
        parameters,
        ..
    } = draft;
    let bytes = program.inputs[0].bytes().unwrap() * u64::from(batch);
    let inputs = vec![random.bytes(bytes), random.bytes(bytes)];
    Job {
        plan: Plan::new(program).unwrap(),
        parameters,
        inputs,
        batch,
    }
}

pub(crate) fn linear_job(batch: u32, n: u32, k: u32, weight: u8, input: u8) -> Job {
    let mut random = Random(u64::from(batch + n + k));
    let types = [TensorType::i8(&[n, k]), TensorType::channels(n)];
    let parameters = vec![vec![weight; (n * k) as usize], random.channels(n.into())];
    let named = parameters.iter().zip(types);
    let program = Program {
        format: FORMAT,
        owner: [0; 32],
        max_batch: batch,
        inputs: vec![TensorType::i8(&[k])],
        parameters: named
            .map(|(bytes, tensor)| Parameter {
                hash: hash_bytes(bytes),
                tensor,
            })
            .collect(),
        tables: Vec::new(),
        operations: vec![Operation::Linear {
            input: Operand::Input(0),
            weights: 0,
            channels: 1,
            table: None,
        }],
        outputs: vec![0],
    };
    let inputs = vec![vec![input; (batch * k) as usize]];
    Job {
        plan: Plan::new(program).unwrap(),
        parameters,
        inputs,
        batch,
    }
}
