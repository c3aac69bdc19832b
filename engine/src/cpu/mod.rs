//! The executor for processors.

mod add;
mod audited;
mod cache;
mod channels;
mod linear;
mod panels;
mod row;
mod weights;

use crate::{EngineError, Executor};
use add::add;
pub(crate) use audited::Requantiser;
use cache::WeightCache;
use channels::Channels;
use linear::{Linear, Shape};
use mizan_tensor::{Execution, ExecutionError, Operand, Operation, Plan, Table, TensorRef};
use row::Row;
use std::sync::Arc;
use weights::{Arithmetic, Weights};

/// Workspace of the blocks of rows, unless asked otherwise: more than all threads of a common
/// machine use.
const WORKSPACE_BYTES: usize = 64 << 20;
/// Budget of the weight cache, unless asked otherwise: a model of some 250 million weights.
const CACHE_BYTES: usize = 256 << 20;
/// Fewest elements that are worth handing to another thread.
const ELEMENTS_PER_THREAD: usize = 16 * 1_024;

/// Executes programs with the processor's vector instructions, on all threads of the global
/// thread pool.
///
/// The trace is one allocation into which every operation writes directly. Weights are packed for
/// the matrix library once and kept for later jobs, under the hash of their bytes; clones share
/// what is kept.
#[derive(Clone, Debug)]
pub struct CpuExecutor {
    arithmetic: Arithmetic,
    workspace_bytes: usize,
    cache: Arc<WeightCache<Weights>>,
}

impl CpuExecutor {
    /// An executor with the fastest arithmetic that is exact on this machine.
    pub fn new() -> Self {
        Self {
            arithmetic: Arithmetic::of_this_machine(),
            workspace_bytes: WORKSPACE_BYTES,
            cache: Arc::new(WeightCache::new(CACHE_BYTES)),
        }
    }

    /// An executor for each kind of arithmetic that is exact on this machine, the fastest first,
    /// each with a name of its own.
    pub fn of_every_kind() -> Vec<Self> {
        let kinds = Arithmetic::all_of_this_machine().map(|arithmetic| Self {
            arithmetic,
            ..Self::new()
        });
        kinds.collect()
    }

    /// An executor whose products are the matrix library's, whatever this machine has instructions
    /// for.
    pub fn with_library() -> Self {
        Self {
            arithmetic: Arithmetic::of_the_library(),
            ..Self::new()
        }
    }

    /// An executor that always takes the arithmetic that is exact on every machine, at half the
    /// speed.
    pub fn with_exact_split() -> Self {
        Self {
            arithmetic: Arithmetic::Split,
            ..Self::new()
        }
    }

    /// Bounds what one operation holds besides tensors and weights: activations and accumulators
    /// of as many rows as fit, and at least of one for each thread. 64 MiB unless set.
    pub fn workspace_bytes(self, bytes: usize) -> Self {
        Self {
            workspace_bytes: bytes,
            ..self
        }
    }

    /// Bounds the packed weights that are kept between jobs; none are kept with 0. 256 MiB unless
    /// set. The executor begins with nothing kept and no longer shares with those it came from.
    pub fn cache_bytes(self, bytes: usize) -> Self {
        Self {
            cache: Arc::new(WeightCache::new(bytes)),
            ..self
        }
    }

    /// What the packed weights take that are kept now.
    pub fn cached_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Packs all weights of a program ahead, for many jobs of it with the same parameters.
    ///
    /// They stay packed as long as the loaded model lives, whatever the budget of the cache.
    pub fn load<'a>(
        &'a self,
        plan: &'a Plan,
        parameters: &'a [&'a [u8]],
    ) -> Result<LoadedModel<'a>, EngineError> {
        if parameters.len() != plan.program().parameters.len() {
            return Err(ExecutionError::WrongCount.into());
        }
        for (bytes, tensor) in parameters.iter().zip((0..).map(TensorRef::Parameter)) {
            if u64::try_from(bytes.len()).ok() != plan.tensor_bytes(tensor, 1) {
                return Err(ExecutionError::WrongLength(tensor).into());
            }
        }
        let operations = plan.program().operations.iter();
        let layer = |operation: &Operation| match *operation {
            Operation::Linear {
                weights, channels, ..
            } => self.layer(parameters, weights, channels).map(Some),
            Operation::Add { .. } => Ok(None),
        };
        Ok(LoadedModel {
            executor: self,
            plan,
            parameters,
            layers: operations.map(layer).collect::<Result<_, _>>()?,
        })
    }

    fn layer(
        &self,
        parameters: &[&[u8]],
        weights: u16,
        channels: u16,
    ) -> Result<Layer, ExecutionError> {
        let weights = bytemuck::cast_slice(parameter(parameters, weights)?);
        let channels = parameter(parameters, channels)?;
        let shape = Shape::of(weights, channels)?;
        let bytes = self.arithmetic.packed_bytes(shape);
        let pack = || Weights::pack(self.arithmetic, shape, weights);
        let weights = self.cache.get_or_pack(shape, weights, bytes, pack);
        Ok(Layer {
            shape,
            channels: Channels::decode(channels, &weights.offsets),
            weights,
        })
    }
}

impl Default for CpuExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for CpuExecutor {
    fn name(&self) -> &str {
        match self.arithmetic {
            Arithmetic::Panels(instructions) => instructions.name(),
            Arithmetic::Whole => "cpu-library",
            Arithmetic::Split => "cpu-exact-split",
        }
    }

    fn execute(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<Execution, EngineError> {
        let model = LoadedModel {
            executor: self,
            plan,
            parameters,
            layers: Vec::new(),
        };
        model.execute(inputs, batch)
    }
}

/// A program with its parameters, ready for any number of jobs, from several threads at once.
///
/// Made by [`CpuExecutor::load`].
#[derive(Debug)]
pub struct LoadedModel<'a> {
    executor: &'a CpuExecutor,
    plan: &'a Plan,
    parameters: &'a [&'a [u8]],
    /// One place for each operation. Where there is none, a layer is made when it is its turn.
    layers: Vec<Option<Layer>>,
}

/// A linear operation's parameters in the form in which they are used.
#[derive(Debug)]
struct Layer {
    shape: Shape,
    weights: Arc<Weights>,
    channels: Channels,
}

impl Layer {
    /// The accumulators, `[rows, N]`, of an input `[rows, K]`.
    fn accumulators(&self, input: &[u8], workspace_bytes: usize) -> Result<Vec<i32>, EngineError> {
        let linear = Linear {
            shape: self.shape,
            input,
            weights: &self.weights,
            channels: &self.channels,
            table: None,
        };
        linear.accumulators(workspace_bytes)
    }
}

impl LoadedModel<'_> {
    /// Executes a job of `batch` items: what [`Executor::execute`] gives.
    pub fn execute(&self, inputs: &[&[u8]], batch: u32) -> Result<Execution, EngineError> {
        let plan = self.plan;
        plan.check_tensors(self.parameters, inputs, batch)?;
        let mut trace = zeroes(plan.trace_bytes(batch))?;
        for (operation, index) in plan.program().operations.iter().zip(0u16..) {
            let start = size(plan.trace_offset(index, batch))?;
            let length = size(plan.tensor_bytes(TensorRef::Operation(index), batch))?;
            let (done, rest) = trace
                .split_at_mut_checked(start)
                .ok_or(ExecutionError::TooLarge)?;
            let output = rest.get_mut(..length).ok_or(ExecutionError::TooLarge)?;
            let memory = Memory {
                plan,
                batch,
                inputs,
                done,
            };
            let layer = self.layers.get(usize::from(index)).and_then(Option::as_ref);
            self.run(operation, layer, &memory, output)?;
        }
        let outputs = plan
            .outputs(&trace, batch)
            .ok_or(ExecutionError::TooLarge)?;
        Ok(Execution { trace, outputs })
    }

    fn run(
        &self,
        operation: &Operation,
        layer: Option<&Layer>,
        memory: &Memory<'_>,
        output: &mut [u8],
    ) -> Result<(), EngineError> {
        match *operation {
            Operation::Linear {
                input,
                weights,
                channels,
                table,
            } => {
                let input = memory.operand(input)?;
                let table = memory.table(table)?;
                match layer {
                    Some(layer) => self.run_layer(layer, input, table, output),
                    None => self.run_unloaded((weights, channels), input, table, output),
                }
            }
            Operation::Add {
                left,
                right,
                left_multiplier,
                right_multiplier,
                shift,
                table,
            } => {
                let (left, right) = (memory.operand(left)?, memory.operand(right)?);
                let multipliers = [left_multiplier, right_multiplier];
                let table = memory.table(table)?;
                add(left, right, multipliers, shift, table, output);
                Ok(())
            }
        }
    }

    /// A linear operation by the indices of its parameters.
    fn run_unloaded(
        &self,
        (weights, channels): (u16, u16),
        input: &[u8],
        table: Option<&Table>,
        output: &mut [u8],
    ) -> Result<(), EngineError> {
        let raw = bytemuck::cast_slice(parameter(self.parameters, weights)?);
        let records = parameter(self.parameters, channels)?;
        let shape = Shape::of(raw, records)?;
        if input.len() == shape.k {
            let row = Row {
                shape,
                input,
                weights: raw,
                channels: &Channels::decode(records, &[]),
                table,
            };
            if row.run(self.executor.arithmetic, output)? {
                return Ok(());
            }
        }
        let layer = self.executor.layer(self.parameters, weights, channels)?;
        self.run_layer(&layer, input, table, output)
    }

    fn run_layer(
        &self,
        layer: &Layer,
        input: &[u8],
        table: Option<&Table>,
        output: &mut [u8],
    ) -> Result<(), EngineError> {
        let linear = Linear {
            shape: layer.shape,
            input,
            weights: &layer.weights,
            channels: &layer.channels,
            table,
        };
        linear.run(self.executor.workspace_bytes, output)
    }
}

/// What an operation may read: inputs, parameters, and the trace of the operations before it.
///
/// A validated plan and checked lengths leave memory as the only reason for a miss.
struct Memory<'a> {
    plan: &'a Plan,
    batch: u32,
    inputs: &'a [&'a [u8]],
    done: &'a [u8],
}

impl<'a> Memory<'a> {
    fn operand(&self, operand: Operand) -> Result<&'a [u8], ExecutionError> {
        let bytes = match operand {
            Operand::Input(index) => self.inputs.get(usize::from(index)).copied(),
            Operand::Operation(index) => {
                let start = size(self.plan.trace_offset(index, self.batch))?;
                let length = size(self.plan.tensor_bytes(operand.into(), self.batch))?;
                self.done.get(start..).and_then(|bytes| bytes.get(..length))
            }
        };
        bytes.ok_or(ExecutionError::TooLarge)
    }

    fn table(&self, index: Option<u16>) -> Result<Option<&'a Table>, ExecutionError> {
        let find = |index: u16| self.plan.program().tables.get(usize::from(index));
        index
            .map(|index| find(index).ok_or(ExecutionError::TooLarge))
            .transpose()
    }
}

fn parameter<'a>(parameters: &[&'a [u8]], index: u16) -> Result<&'a [u8], ExecutionError> {
    let bytes = parameters.get(usize::from(index)).copied();
    bytes.ok_or(ExecutionError::TooLarge)
}

/// A number of bytes that this machine can address.
fn size(bytes: Option<u64>) -> Result<usize, ExecutionError> {
    bytes
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or(ExecutionError::TooLarge)
}

/// A tensor of zeroes, or an error where the machine has no room for it.
pub(crate) fn zeroes(bytes: Option<u64>) -> Result<Vec<u8>, ExecutionError> {
    let length = size(bytes)?;
    let mut tensor = Vec::new();
    tensor
        .try_reserve_exact(length)
        .map_err(|_| ExecutionError::TooLarge)?;
    tensor.resize(length, 0);
    Ok(tensor)
}

/// The value through the table, as a byte of the trace.
#[inline]
fn finish(value: i8, table: Option<&Table>) -> u8 {
    let [byte] = value.to_le_bytes();
    match table {
        Some(Table(entries)) => entries[usize::from(byte)].to_le_bytes()[0],
        None => byte,
    }
}
