//! A batch in execution.

use super::{
    hashing::Turn,
    lane::{refused, Prepared},
    opened::Opened,
    parameter::Parameter,
    transfers::download,
    verdict::{Verdict, VerdictLayout, HASH_BYTES},
    workspace::{rows, Workspace},
};
use crate::cuda::{
    content,
    error::DeviceError,
    launch::{Add, Address, Linear, Sharing},
    layout::SlotLayout,
    protocol::Hashed,
    runs::{node_bytes, runs, Run},
    ways::Room,
};
use cust::{memory::DeviceBuffer, stream::Stream};
use mizan_tensor::{Hash, Operand, Operation, Plan, TensorRef};
use std::ops::Range;

/// Where everything of a batch is.
pub(super) struct Layouts {
    pub(super) batch: u32,
    pub(super) slot: SlotLayout,
    /// What of its results is hashed.
    pub(super) runs: Vec<Run>,
    pub(super) places: Workspace,
}

impl Layouts {
    /// Refuses a batch that the program does not allow.
    pub(super) fn of(
        opened: &Opened,
        plan: &Plan,
        batch: u32,
        hashed: Option<&Hashed>,
    ) -> Result<Self, DeviceError> {
        let too_large = || refused("a batch that the program does not allow");
        if batch == 0 || batch > plan.program().max_batch {
            return Err(too_large());
        }
        let runs = hashed.map_or(Some(Vec::new()), |hashed| runs(plan, hashed, batch));
        let runs = runs.ok_or_else(|| refused("hashes of another job"))?;
        let room = room(opened, plan, batch);
        Ok(Self {
            batch,
            slot: SlotLayout::of(plan, batch).ok_or_else(too_large)?,
            places: Workspace::of(plan, batch, &runs, room).ok_or_else(too_large)?,
            runs,
        })
    }

    /// Where the hashes of the runs are in the slot.
    pub(super) fn place_of_nodes(&self) -> Range<u64> {
        let start = self.slot.nodes.start;
        start..start + node_bytes(&self.runs)
    }
}

/// A batch in execution.
pub(super) struct Batch<'a> {
    pub(super) opened: &'a Opened,
    pub(super) stream: &'a Stream,
    pub(super) slot: u32,
    pub(super) prepared: &'a Prepared,
    pub(super) layouts: &'a Layouts,
    /// Of the workspace.
    pub(super) start: Address,
}

impl Batch<'_> {
    /// Queues the work and the copies of what is in the slot.
    ///
    /// # Safety
    /// The slot must be this process's; workspace and parameters must live until the stream is
    /// done.
    pub(super) unsafe fn queue(&self, workspace: &mut DeviceBuffer<u8>) -> Result<(), DeviceError> {
        // SAFETY: the caller vouches for all of it.
        unsafe {
            self.upload_inputs(workspace)?;
            self.queue_work(workspace)?;
            self.download_outputs(workspace)
        }
    }

    /// Queues the work on inputs that are on the device by then: all operations, the hashes of
    /// their outputs, then all checks, so that these see what the memory has become meanwhile, and
    /// the hashes once more (see [`Turn`]).
    ///
    /// # Safety
    /// Workspace and parameters must live until the stream is done.
    pub(super) unsafe fn queue_work(
        &self,
        workspace: &mut DeviceBuffer<u8>,
    ) -> Result<(), DeviceError> {
        let program = self.prepared.plan.program();
        let operations = || program.operations.iter().zip(0u16..);
        let places = &self.layouts.places;
        // SAFETY: the caller vouches for all of it.
        unsafe {
            self.upload_tables(workspace)?;
            self.clear(workspace, places.sums[0], places.cleared_bytes)?;
            self.clear(workspace, places.verdict, places.verdict_bytes)?;
            for (operation, index) in operations() {
                self.operation(index, operation)?;
            }
            self.hash_runs(workspace, Turn::BeforeChecks)?;
            for (operation, index) in operations() {
                self.check(workspace, index, operation)?;
            }
            self.hash_runs(workspace, Turn::BehindChecks)?;
            for (tensor, index) in self.layouts.slot.inputs.iter().zip(0u16..) {
                let input = self.operand(Operand::Input(index))?;
                let place = VerdictLayout::of(&self.prepared.plan).input(index);
                self.hash(workspace, input, tensor.end - tensor.start, place)?;
            }
        }
        Ok(())
    }

    /// Queues what the checks say.
    ///
    /// # Safety
    /// As for [`Self::queue_work`], behind which it must come; `verdict` must live until the stream
    /// is done.
    pub(super) unsafe fn download_verdict(
        &self,
        workspace: &DeviceBuffer<u8>,
        verdict: &mut Verdict,
    ) -> Result<(), DeviceError> {
        let places = &self.layouts.places;
        // SAFETY: the caller vouches for it.
        unsafe {
            download(
                workspace,
                places.verdict,
                &mut verdict.findings,
                self.stream,
            )?;
            download(workspace, places.tables, &mut verdict.tables, self.stream)?;
            self.download_nodes(workspace, &mut verdict.nodes)
        }
    }

    /// The hashes of the inputs as they are in the slot.
    ///
    /// # Safety
    /// The slot must be this process's, and its inputs must not be written meanwhile.
    pub(super) unsafe fn hash_inputs(&self) -> Result<Vec<Hash>, DeviceError> {
        let inputs = self.layouts.slot.inputs.iter();
        let hashes = inputs.map(|range| {
            // SAFETY: the caller vouches for it.
            let input = unsafe { self.opened.mapping.bytes(self.slot, range) };
            Ok(content::hash(input.ok_or_else(out_of_slot)?))
        });
        hashes.collect()
    }

    /// Queues an operation.
    ///
    /// # Safety
    /// As for [`Self::queue_work`].
    unsafe fn operation(&self, index: u16, operation: &Operation) -> Result<(), DeviceError> {
        let kernels = &self.opened.kernels;
        // SAFETY: all addresses are of parts of the workspace, or of parameters, that are as large
        // as the plan says; sums, counters and verdict have been cleared.
        unsafe {
            match self.launched(index, operation)? {
                Launched::Linear(linear, _) => {
                    let faults = Some(self.faults(index));
                    let way = self.opened.way(self.stream, linear, faults)?;
                    let wrong = DeviceError::ResultCheckFailed { operation: index };
                    kernels.linear(way.ok_or(wrong)?, self.stream, linear)
                }
                Launched::Add(add) => kernels.add(self.stream, add, None),
            }
        }
    }

    /// Where the faults of an operation are counted.
    fn faults(&self, operation: u16) -> Address {
        let layout = VerdictLayout::of(&self.prepared.plan);
        self.start + self.layouts.places.verdict + layout.counter(operation)
    }

    /// Queues the check of an operation, and the hash of its channel records, whose change on the
    /// device no other check would notice.
    ///
    /// # Safety
    /// As for [`Self::queue_work`], after [`Self::operation`].
    unsafe fn check(
        &self,
        workspace: &DeviceBuffer<u8>,
        index: u16,
        operation: &Operation,
    ) -> Result<(), DeviceError> {
        let layout = VerdictLayout::of(&self.prepared.plan);
        let faults = self.faults(index);
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
    /// As for [`Self::queue_work`]; there must be so many bytes.
    unsafe fn hash(
        &self,
        workspace: &DeviceBuffer<u8>,
        bytes: Address,
        length: u64,
        place: u64,
    ) -> Result<(), DeviceError> {
        let nodes = self.start + self.layouts.places.nodes;
        let kernels = &self.opened.kernels;
        // SAFETY: the workspace has room for the nodes; the caller vouches for the bytes.
        let root = unsafe { kernels.hash(self.stream, bytes, length, nodes) }?;
        let to = self.layouts.places.verdict + place;
        // SAFETY: the caller vouches for it; verdict and nodes do not overlap.
        unsafe { self.copy(workspace, root - self.start, to, HASH_BYTES) }
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
                let count = plan.tensor_bytes(TensorRef::Operation(index), self.layouts.batch);
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
        let sums = self.layouts.places.sums.get(usize::from(index));
        Ok(Linear {
            x: self.operand(input)?,
            w: weights.address(),
            channels: self.parameter(channels)?.address(),
            table: self.table(table)?,
            y: self.output(index)?,
            m: rows(plan, index, self.layouts.batch).ok_or_else(invalid)?,
            n,
            k,
            check: weights.check(self.opened, self.stream, [n, k])?,
            sums: self.start + sums.ok_or_else(invalid)?,
            sharing: self.sharing(),
        })
    }

    fn sharing(&self) -> Sharing {
        let places = &self.layouts.places;
        Sharing {
            room: places.room,
            arrivals: self.start + places.arrivals,
            partials: self.start + places.partials,
        }
    }

    pub(super) fn output(&self, operation: u16) -> Result<Address, DeviceError> {
        let place = self.layouts.places.outputs.get(usize::from(operation));
        Ok(self.start + place.ok_or_else(invalid)?)
    }

    fn operand(&self, operand: Operand) -> Result<Address, DeviceError> {
        match operand {
            Operand::Input(index) => {
                let place = self.layouts.places.inputs.get(usize::from(index));
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
        Ok(self.start + self.layouts.places.table(index))
    }

    fn parameter(&self, index: u16) -> Result<&Parameter, DeviceError> {
        let parameter = self.prepared.parameters.get(usize::from(index));
        let parameter = parameter.and_then(Option::as_deref);
        parameter.ok_or_else(|| refused("a parameter is missing"))
    }
}

/// The room for blocks that share tiles, if any operation of a batch may need it.
fn room(opened: &Opened, plan: &Plan, batch: u32) -> Room {
    let operations = plan.program().operations.iter().zip(0u16..);
    let mut rooms = operations.filter_map(|(operation, index)| {
        let Operation::Linear { weights, .. } = *operation else {
            return None;
        };
        let shape = plan.tensor_type(TensorRef::Parameter(weights))?;
        let [n, k] = *shape.dimensions.first_chunk()?;
        Some(opened.room(rows(plan, index, batch)?, n, k))
    });
    let none = Room::default();
    rooms.find(|room| *room != none).unwrap_or(none)
}

/// What the kernels need for an operation.
enum Launched {
    /// With the bytes of its channel records.
    Linear(Linear, u64),
    Add(Add),
}

pub(super) fn out_of_slot() -> DeviceError {
    refused("a batch that is larger than its slot")
}

/// Of what a validated plan rules out.
fn invalid() -> DeviceError {
    refused("a program that refers to what it does not have")
}
