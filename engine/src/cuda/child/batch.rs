//! A batch in execution.

use super::{
    driver::DriverError,
    lane::{refused, Prepared},
    opened::Opened,
    parameter::Parameter,
    verdict::{Verdict, VerdictLayout, HASH_BYTES},
    workspace::{rows, Workspace},
};
use crate::cuda::{
    content,
    error::DeviceError,
    launch::{Add, Address, Linear},
    layout::SlotLayout,
};
use cust::{
    memory::{AsyncCopyDestination, DeviceBuffer},
    stream::Stream,
};
use mizan_tensor::{Hash, Operand, Operation, Table, TensorRef};

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
    /// Queues everything: inputs to the device, all operations, then all checks, so that these
    /// see what the memory has become meanwhile, and at last outputs from the device.
    ///
    /// # Safety
    /// The slot must be this process's; workspace and parameters must live until the stream is
    /// done.
    pub(super) unsafe fn queue(&self, workspace: &mut DeviceBuffer<u8>) -> Result<(), DeviceError> {
        let program = self.prepared.plan.program();
        let operations = || program.operations.iter().zip(0u16..);
        // SAFETY: the caller vouches for all of it.
        unsafe {
            self.upload_all(workspace)?;
            self.clear(workspace, self.places.sums[0], self.places.sums_bytes)?;
            self.clear(workspace, self.places.verdict, self.places.verdict_bytes)?;
            for (operation, index) in operations() {
                self.operation(index, operation)?;
            }
            for (operation, index) in operations() {
                self.check(workspace, index, operation)?;
            }
            for (tensor, index) in self.layout.inputs.iter().zip(0u16..) {
                let input = self.operand(Operand::Input(index))?;
                let place = VerdictLayout::of(&self.prepared.plan).input(index);
                self.hash(workspace, input, tensor.end - tensor.start, place)?;
            }
            for (range, place) in self.layout.outputs.iter().zip(&self.places.outputs) {
                let output = self.opened.mapping.bytes(self.slot, range);
                self.download(workspace, *place, output.ok_or_else(out_of_slot)?)?;
            }
        }
        Ok(())
    }

    /// Queues what the checks say.
    ///
    /// # Safety
    /// As for [`Self::queue`], after which it must come; `verdict` must live until the stream is
    /// done.
    pub(super) unsafe fn download_verdict(
        &self,
        workspace: &DeviceBuffer<u8>,
        verdict: &mut Verdict,
    ) -> Result<(), DeviceError> {
        // SAFETY: the caller vouches for it.
        unsafe {
            self.download(workspace, self.places.verdict, &mut verdict.findings)?;
            self.download(workspace, self.places.tables, &mut verdict.tables)
        }
    }

    /// The hashes of the inputs as they are in the slot.
    ///
    /// # Safety
    /// The slot must be this process's, and its inputs must not be written meanwhile.
    pub(super) unsafe fn hash_inputs(&self) -> Result<Vec<Hash>, DeviceError> {
        let inputs = self.layout.inputs.iter();
        let hashes = inputs.map(|range| {
            // SAFETY: the caller vouches for it.
            let input = unsafe { self.opened.mapping.bytes(self.slot, range) };
            Ok(content::hash(input.ok_or_else(out_of_slot)?))
        });
        hashes.collect()
    }

    /// Queues inputs and tables.
    ///
    /// # Safety
    /// As for [`Self::queue`].
    unsafe fn upload_all(&self, workspace: &mut DeviceBuffer<u8>) -> Result<(), DeviceError> {
        for (range, place) in self.layout.inputs.iter().zip(&self.places.inputs) {
            // SAFETY: the caller vouches for the slot; inputs do not overlap.
            let input = unsafe { self.opened.mapping.bytes(self.slot, range) };
            let input = input.ok_or_else(out_of_slot)?;
            // SAFETY: the caller vouches for it.
            unsafe { upload(workspace, *place, input, self.stream) }?;
        }
        let tables = self.prepared.plan.program().tables.iter().zip(0u16..);
        for (Table(entries), index) in tables {
            let place = self.places.table(index);
            // SAFETY: the program lives as long as the parameters.
            unsafe { upload(workspace, place, bytemuck::cast_slice(entries), self.stream) }?;
        }
        Ok(())
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
        if to.is_empty() {
            return Ok(());
        }
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
        if bytes == 0 {
            return Ok(());
        }
        let at = at as usize;
        let mut part = workspace.index(at..at + bytes as usize);
        // SAFETY: the caller vouches for it.
        let queued = unsafe { part.set_8_async(0, self.stream) };
        Ok(queued.map_err(DriverError::from)?)
    }

    /// Queues an operation.
    ///
    /// # Safety
    /// As for [`Self::queue`].
    unsafe fn operation(&self, index: u16, operation: &Operation) -> Result<(), DeviceError> {
        let kernels = &self.opened.kernels;
        // SAFETY: all addresses are of parts of the workspace, or of parameters, that are as large
        // as the plan says.
        unsafe {
            match self.launched(index, operation)? {
                Launched::Linear(linear, _) => kernels.linear(self.stream, linear),
                Launched::Add(add) => kernels.add(self.stream, add, None),
            }
        }
    }

    /// Queues the check of an operation, and the hash of its channel records, whose change on the
    /// device no other check would notice.
    ///
    /// # Safety
    /// As for [`Self::queue`], after [`Self::operation`].
    unsafe fn check(
        &self,
        workspace: &DeviceBuffer<u8>,
        index: u16,
        operation: &Operation,
    ) -> Result<(), DeviceError> {
        let layout = VerdictLayout::of(&self.prepared.plan);
        let faults = self.start + self.places.verdict + layout.counter(index);
        let kernels = &self.opened.kernels;
        // SAFETY: as above.
        unsafe {
            match self.launched(index, operation)? {
                Launched::Linear(linear, channel_bytes) => {
                    kernels.check_linear(self.stream, linear, faults)?;
                    let place = layout.channels(index);
                    self.hash(workspace, linear.channels, channel_bytes, place)
                }
                Launched::Add(add) => kernels.add(self.stream, add, Some(faults)),
            }
        }
    }

    /// Queues the hash of bytes on the device, which becomes part of the verdict.
    ///
    /// # Safety
    /// As for [`Self::queue`]; there must be so many bytes.
    unsafe fn hash(
        &self,
        workspace: &DeviceBuffer<u8>,
        bytes: Address,
        length: u64,
        place: u64,
    ) -> Result<(), DeviceError> {
        let nodes = self.start + self.places.nodes;
        let kernels = &self.opened.kernels;
        // SAFETY: the workspace has room for the nodes; the caller vouches for the bytes.
        let root = unsafe { kernels.hash(self.stream, bytes, length, nodes) }?;
        let part = |at: u64| workspace.index(at as usize..(at + HASH_BYTES) as usize);
        let (mut to, from) = (part(self.places.verdict + place), part(root - self.start));
        // SAFETY: the caller vouches for it; the parts do not overlap.
        let queued = unsafe { to.async_copy_from(&from, self.stream) };
        Ok(queued.map_err(DriverError::from)?)
    }

    /// What the kernels need for an operation.
    fn launched(&self, index: u16, operation: &Operation) -> Result<Launched, DeviceError> {
        match *operation {
            Operation::Linear {
                input,
                weights,
                channels,
                table,
            } => {
                let linear = self.linear(index, input, [weights, channels], table)?;
                let channels = self.prepared.contents.get(usize::from(channels));
                Ok(Launched::Linear(
                    linear,
                    channels.ok_or_else(invalid)?.bytes,
                ))
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
                Ok(Launched::Add(Add {
                    a: self.operand(left)?,
                    b: self.operand(right)?,
                    table: self.table(table)?,
                    y: self.output(index)?,
                    count: count.ok_or_else(invalid)?,
                    multipliers: [left_multiplier, right_multiplier],
                    shift,
                }))
            }
        }
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
        let sums = self.places.sums.get(usize::from(index));
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
            sums: self.start + sums.ok_or_else(invalid)?,
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
        Ok(self.start + self.places.table(index))
    }

    fn parameter(&self, index: u16) -> Result<&Parameter, DeviceError> {
        let parameter = self.prepared.parameters.get(usize::from(index));
        let parameter = parameter.and_then(Option::as_deref);
        parameter.ok_or_else(|| refused("a parameter is missing"))
    }
}

/// What the kernels need for an operation.
enum Launched {
    /// With the bytes of its channel records.
    Linear(Linear, u64),
    Add(Add),
}

fn out_of_slot() -> DeviceError {
    refused("a batch that is larger than its slot")
}

/// Of what a validated plan rules out.
fn invalid() -> DeviceError {
    refused("a program that refers to what it does not have")
}
