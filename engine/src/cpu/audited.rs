//! What audits need of the executor: one operation at a time, on what was published.

use super::{parameter, size, Channels, CpuExecutor, LoadedModel, Memory};
use crate::EngineError;
use mizan_tensor::{ExecutionError, Operation, Plan, Table, TensorRef};

impl CpuExecutor {
    /// A program with its parameters without packing anything ahead: weights are packed, and kept
    /// in the cache, when it is an operation's turn.
    pub fn load_lazily<'a>(
        &'a self,
        plan: &'a Plan,
        parameters: &'a [&'a [u8]],
    ) -> LoadedModel<'a> {
        LoadedModel {
            executor: self,
            plan,
            parameters,
            layers: Vec::new(),
        }
    }
}

impl<'a> LoadedModel<'a> {
    /// The accumulators, `[rows, N]`, of a linear operation, before bias and scaling: the advice
    /// with which an auditor checks it for less than its cost. `None` for any other operation.
    ///
    /// `trace` is that of the job, whose earlier operations are read and not computed again.
    pub fn accumulators(
        &self,
        operation: u16,
        inputs: &[&[u8]],
        batch: u32,
        trace: &[u8],
    ) -> Result<Option<Vec<i32>>, EngineError> {
        self.plan.check_tensors(self.parameters, inputs, batch)?;
        let Some(read) = self.linear(operation, inputs, batch, trace)? else {
            return Ok(None);
        };
        let made;
        let layer = match self.layers.get(usize::from(operation)) {
            Some(Some(layer)) => layer,
            _ => {
                made = self.executor.layer(
                    self.parameters,
                    read.weights_index,
                    read.channels_index,
                )?;
                &made
            }
        };
        layer
            .accumulators(read.input, self.executor.workspace_bytes)
            .map(Some)
    }

    /// Fills `output` with what an operation gives on the inputs and the trace of a job.
    pub(crate) fn run_on(
        &self,
        operation: u16,
        inputs: &[&[u8]],
        batch: u32,
        trace: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<(), EngineError> {
        let index = usize::from(operation);
        let body = self.plan.program().operations.get(index);
        let body = body.ok_or(ExecutionError::TooLarge)?;
        let length = size(
            self.plan
                .tensor_bytes(TensorRef::Operation(operation), batch),
        )?;
        output.clear();
        output
            .try_reserve_exact(length)
            .map_err(|_| ExecutionError::TooLarge)?;
        output.resize(length, 0);
        let memory = self.memory(inputs, batch, trace);
        let layer = self.layers.get(index).and_then(Option::as_ref);
        self.run(body, layer, &memory, output)
    }

    /// The operands of a linear operation of a job; `None` for any other operation.
    pub(crate) fn linear<'b>(
        &'b self,
        operation: u16,
        inputs: &'b [&'b [u8]],
        batch: u32,
        trace: &'b [u8],
    ) -> Result<Option<LinearOperands<'b>>, EngineError> {
        let body = self.plan.program().operations.get(usize::from(operation));
        let Some(&Operation::Linear {
            input,
            weights,
            channels,
            table,
        }) = body
        else {
            return Ok(None);
        };
        let memory = self.memory(inputs, batch, trace);
        Ok(Some(LinearOperands {
            input: memory.operand(input)?,
            weights: parameter(self.parameters, weights)?,
            channels: parameter(self.parameters, channels)?,
            table: memory.table(table)?,
            weights_index: weights,
            channels_index: channels,
        }))
    }

    pub(crate) fn plan(&self) -> &'a Plan {
        self.plan
    }

    pub(crate) fn parameters(&self) -> &'a [&'a [u8]] {
        self.parameters
    }

    fn memory<'b>(&'b self, inputs: &'b [&'b [u8]], batch: u32, done: &'b [u8]) -> Memory<'b> {
        Memory {
            plan: self.plan,
            batch,
            inputs,
            done,
        }
    }
}

/// The bytes that a linear operation reads.
pub(crate) struct LinearOperands<'a> {
    /// `[rows, K]`.
    pub(crate) input: &'a [u8],
    /// `[N, K]`.
    pub(crate) weights: &'a [u8],
    /// N records.
    pub(crate) channels: &'a [u8],
    pub(crate) table: Option<&'a Table>,
    weights_index: u16,
    channels_index: u16,
}

/// From accumulators of all channels to bytes.
#[derive(Debug)]
pub(crate) struct Requantiser<'a> {
    channels: Channels,
    table: Option<&'a Table>,
}

impl<'a> Requantiser<'a> {
    /// Of channel records of 16 bytes.
    pub(crate) fn new(records: &[u8], table: Option<&'a Table>) -> Self {
        Self {
            channels: Channels::decode(records, &[]),
            table,
        }
    }

    /// Fills `output`, `[rows, N]`, from as many accumulators.
    pub(crate) fn finish(&self, sums: &[i32], output: &mut [u8]) {
        let count = self.channels.count();
        self.channels
            .finish_all((0, count), sums, self.table, output, count);
    }
}
