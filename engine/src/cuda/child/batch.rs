//! A batch in execution.

use super::{
    driver::DriverError,
    lane::{refused, Prepared},
    opened::Opened,
    parameter::Parameter,
    workspace::{rows, Workspace},
};
use crate::cuda::{
    error::DeviceError,
    launch::{Add, Address, Linear},
    layout::SlotLayout,
};
use cust::{
    memory::{AsyncCopyDestination, DeviceBuffer},
    stream::Stream,
};
use mizan_tensor::{Operand, Operation, TensorRef};

/// What the checks of a batch say, once it is done: for each operation a counter of faults, then
/// for each the hash of the channel records that it has just read, if it is linear.
pub(super) struct Verdict(Vec<u8>);

/// Bytes of a counter.
const COUNTER_BYTES: u64 = 4;
/// Bytes of a hash.
const HASH_BYTES: u64 = 32;

/// Bytes of the verdict on so many operations.
pub(super) fn verdict_bytes(operations: usize) -> u64 {
    (COUNTER_BYTES + HASH_BYTES) * operations as u64
}

impl Verdict {
    /// Before anything is known.
    pub(super) fn of(operations: usize) -> Self {
        Self(vec![0; verdict_bytes(operations) as usize])
    }

    /// An error for the first operation that failed its check.
    pub(super) fn check(&self, prepared: &Prepared) -> Result<(), DeviceError> {
        let operations = &prepared.plan.program().operations;
        let counters = COUNTER_BYTES as usize * operations.len();
        let (counters, hashes) = self.0.split_at(counters);
        let (counters, _) = counters.as_chunks::<{ COUNTER_BYTES as usize }>();
        let (hashes, _) = hashes.as_chunks::<{ HASH_BYTES as usize }>();
        let operations = operations.iter().zip(0u16..);
        for (((operation, index), counter), hash) in operations.zip(counters).zip(hashes) {
            let unchanged = match *operation {
                Operation::Linear { channels, .. } => {
                    let content = prepared.contents.get(usize::from(channels));
                    content.is_some_and(|content| content.hash == *hash)
                }
                Operation::Add { .. } => true,
            };
            if *counter != [0; COUNTER_BYTES as usize] || !unchanged {
                return Err(DeviceError::ResultCheckFailed { operation: index });
            }
        }
        Ok(())
    }
}

/// Queues a copy to the device.
///
/// # Safety
/// Both must live, and the source stay as it is, until the stream is done.
pub(super) unsafe fn upload(
    buffer: &mut DeviceBuffer<u8>,
    at: u64,
    source: &[u8],
    stream: &Stream,
) -> Result<(), DriverError> {
    // A buffer's length fits both.
    let at = at as usize;
    let mut to = buffer.index(at..at + source.len());
    // SAFETY: the caller vouches for it.
    Ok(unsafe { to.async_copy_from(source, stream) }?)
}

/// A batch in execution.
pub(super) struct Batch<'a> {
    pub(super) opened: &'a Opened,
    pub(super) stream: &'a Stream,
    pub(super) slot: u32,
    pub(super) prepared: &'a Prepared,
    pub(super) batch: u32,
    pub(super) layout: SlotLayout,
    pub(super) places: Workspace,
    pub(super) start: Address,
}

impl Batch<'_> {
    /// Queues everything: inputs to the device, operations and their checks, outputs from it.
    ///
    /// # Safety
    /// The slot must be this process's; workspace, parameters and `verdict` must live until the
    /// stream is done.
    pub(super) unsafe fn queue(
        &self,
        workspace: &mut DeviceBuffer<u8>,
        verdict: &mut Verdict,
    ) -> Result<(), DeviceError> {
        let program = self.prepared.plan.program();
        let out_of_slot = || refused("a batch that is larger than its slot");
        for (range, place) in self.layout.inputs.iter().zip(&self.places.inputs) {
            // SAFETY: the caller vouches for the slot; inputs do not overlap.
            let input = unsafe { self.opened.mapping.bytes(self.slot, range) };
            let input = input.ok_or_else(out_of_slot)?;
            // SAFETY: the caller vouches for it.
            unsafe { upload(workspace, *place, input, self.stream) }?;
        }
        for (table, place) in program.tables.iter().zip(&self.places.tables) {
            // SAFETY: the program lives as long as the parameters.
            unsafe {
                upload(
                    workspace,
                    *place,
                    bytemuck::cast_slice(&table.0),
                    self.stream,
                )
            }?;
        }
        // SAFETY: the caller vouches for it.
        unsafe { self.clear(workspace, self.places.verdict, verdict.0.len() as u64) }?;
        let operations = program.operations.iter().zip(0u16..);
        let results = self.layout.outputs.iter().zip(&self.places.outputs);
        for ((operation, index), (range, place)) in operations.zip(results) {
            // SAFETY: the caller vouches for it.
            unsafe { self.operation(workspace, index, operation) }?;
            if let Operation::Linear { channels, .. } = *operation {
                // SAFETY: the caller vouches for it.
                unsafe { self.hash_channels(workspace, index, channels) }?;
            }
            // SAFETY: the caller vouches for the slot; outputs do not overlap.
            let output = unsafe { self.opened.mapping.bytes(self.slot, range) };
            let output = output.ok_or_else(out_of_slot)?;
            // SAFETY: the caller vouches for it.
            unsafe { self.download(workspace, *place, output) }?;
        }
        // SAFETY: the caller vouches for it.
        unsafe { self.download(workspace, self.places.verdict, &mut verdict.0) }
    }

    /// Queues a copy from the device.
    ///
    /// # Safety
    /// As for [`Self::queue`].
    unsafe fn download(
        &self,
        workspace: &DeviceBuffer<u8>,
        at: u64,
        to: &mut [u8],
    ) -> Result<(), DeviceError> {
        let at = at as usize;
        let from = workspace.index(at..at + to.len());
        // SAFETY: the caller vouches for it.
        let queued = unsafe { from.async_copy_to(to, self.stream) };
        Ok(queued.map_err(DriverError::from)?)
    }

    /// Queues zeroes.
    ///
    /// # Safety
    /// As for [`Self::queue`].
    unsafe fn clear(
        &self,
        workspace: &DeviceBuffer<u8>,
        at: u64,
        bytes: u64,
    ) -> Result<(), DeviceError> {
        let at = at as usize;
        let mut part = workspace.index(at..at + bytes as usize);
        // SAFETY: the caller vouches for it.
        let queued = unsafe { part.set_8_async(0, self.stream) };
        Ok(queued.map_err(DriverError::from)?)
    }

    /// Queues an operation and its check.
    ///
    /// # Safety
    /// As for [`Self::queue`].
    unsafe fn operation(
        &self,
        workspace: &DeviceBuffer<u8>,
        index: u16,
        operation: &Operation,
    ) -> Result<(), DeviceError> {
        let faults = self.start + self.places.verdict + COUNTER_BYTES * u64::from(index);
        let kernels = &self.opened.kernels;
        match *operation {
            Operation::Linear {
                input,
                weights,
                channels,
                table,
            } => {
                let linear = self.linear(index, input, [weights, channels], table)?;
                // SAFETY: all addresses are of parts of the workspace, or of parameters, that are
                // as large as the plan says.
                unsafe {
                    self.clear(workspace, self.places.sums, 16 * linear.m)?;
                    kernels.linear(self.stream, linear, faults)
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
                let plan = &self.prepared.plan;
                let count = plan.tensor_bytes(TensorRef::Operation(index), self.batch);
                let add = Add {
                    a: self.operand(left)?,
                    b: self.operand(right)?,
                    table: self.table(table)?,
                    y: self.output(index)?,
                    count: count.ok_or_else(invalid)?,
                    multipliers: [left_multiplier, right_multiplier],
                    shift,
                };
                // SAFETY: as above.
                unsafe { kernels.add(self.stream, add, faults) }
            }
        }
    }

    /// Queues the hash of an operation's channel records, whose change on the device no other
    /// check would notice.
    ///
    /// # Safety
    /// As for [`Self::queue`].
    unsafe fn hash_channels(
        &self,
        workspace: &DeviceBuffer<u8>,
        operation: u16,
        channels: u16,
    ) -> Result<(), DeviceError> {
        let content = self.prepared.contents.get(usize::from(channels));
        let bytes = content.ok_or_else(invalid)?.bytes;
        let records = self.parameter(channels)?.address();
        let nodes = self.start + self.places.nodes;
        let kernels = &self.opened.kernels;
        // SAFETY: the workspace has room for the nodes, and the parameter that many bytes.
        let root = unsafe { kernels.hash(self.stream, records, bytes, nodes) }?;
        let counters = COUNTER_BYTES * self.prepared.plan.program().operations.len() as u64;
        let place = self.places.verdict + counters + HASH_BYTES * u64::from(operation);
        let part = |at: u64| workspace.index(at as usize..(at + HASH_BYTES) as usize);
        // SAFETY: the caller vouches for it; the parts do not overlap.
        let queued = unsafe { part(place).async_copy_from(&part(root - self.start), self.stream) };
        Ok(queued.map_err(DriverError::from)?)
    }

    /// What the kernels need for a linear operation.
    fn linear(
        &self,
        index: u16,
        input: Operand,
        [weights, channels]: [u16; 2],
        table: Option<u16>,
    ) -> Result<Linear, DeviceError> {
        let plan = &self.prepared.plan;
        let shape = plan.tensor_type(TensorRef::Parameter(weights));
        let shape = shape.and_then(|tensor| tensor.dimensions.first_chunk());
        let [n, k] = *shape.ok_or_else(invalid)?;
        let weights = self.parameter(weights)?;
        Ok(Linear {
            x: self.operand(input)?,
            w: weights.address(),
            channels: self.parameter(channels)?.address(),
            table: self.table(table)?,
            y: self.output(index)?,
            m: rows(plan, index, self.batch).ok_or_else(invalid)?,
            n,
            k,
            check: weights.check(self.opened, self.stream, [n, k])?,
            sums: self.start + self.places.sums,
        })
    }

    fn output(&self, operation: u16) -> Result<Address, DeviceError> {
        let place = self.places.outputs.get(usize::from(operation));
        Ok(self.start + place.ok_or_else(invalid)?)
    }

    fn operand(&self, operand: Operand) -> Result<Address, DeviceError> {
        match operand {
            Operand::Input(index) => {
                let place = self.places.inputs.get(usize::from(index));
                Ok(self.start + place.ok_or_else(invalid)?)
            }
            Operand::Operation(index) => self.output(index),
        }
    }

    /// The kernels' null where there is no table.
    fn table(&self, table: Option<u16>) -> Result<Address, DeviceError> {
        let Some(index) = table else {
            return Ok(0);
        };
        let place = self.places.tables.get(usize::from(index));
        Ok(self.start + place.ok_or_else(invalid)?)
    }

    fn parameter(&self, index: u16) -> Result<&Parameter, DeviceError> {
        let parameter = self.prepared.parameters.get(usize::from(index));
        let parameter = parameter.and_then(Option::as_deref);
        parameter.ok_or_else(|| refused("a parameter is missing"))
    }
}

/// Of what a validated plan rules out.
fn invalid() -> DeviceError {
    refused("a program that refers to what it does not have")
}
