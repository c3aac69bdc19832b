//! What is done in one slot: a program is prepared, its parameters are brought, a batch executed.

use super::{
    driver::DriverError,
    opened::Opened,
    parameter::{address, Parameter},
    workspace::{rows, Workspace},
};
use crate::cuda::{
    error::DeviceError,
    launch::{Add, Address, Linear},
    layout::SlotLayout,
    process::lock,
    protocol::{Content, Request, Response},
};
use cust::{
    memory::{AsyncCopyDestination, DeviceBuffer},
    stream::{Stream, StreamFlags},
};
use mizan_tensor::{Operand, Operation, Plan, Program, TensorRef};
use std::sync::Arc;

/// A slot with its queue of work on the device.
pub(super) struct Lane {
    opened: Arc<Opened>,
    slot: u32,
    stream: Stream,
    prepared: Option<Prepared>,
}

/// A program and those of its parameters that are on the device.
struct Prepared {
    plan: Plan,
    contents: Vec<Content>,
    parameters: Vec<Option<Arc<Parameter>>>,
    /// The parameter that is being brought, and how much of it there is.
    arriving: Option<(u16, DeviceBuffer<u8>, u64)>,
}

fn refused(reason: &str) -> DeviceError {
    DeviceError::BadAnswer(format!("to a request that is refused: {reason}"))
}

impl Lane {
    pub(super) fn new(opened: Arc<Opened>, slot: u32) -> Result<Self, DeviceError> {
        let stream = Stream::new(StreamFlags::DEFAULT, None).map_err(DriverError::from)?;
        Ok(Self {
            opened,
            slot,
            stream,
            prepared: None,
        })
    }

    /// Lets the calling thread do this lane's work.
    pub(super) fn enter(&self) -> Result<(), DriverError> {
        self.opened.enter()
    }

    /// Does what is asked. A failure, and the execution of a batch, end what was prepared.
    pub(super) fn answer(&mut self, request: Request) -> Response {
        let slot = self.slot;
        let response = match request {
            Request::Prepare {
                program,
                parameters,
                ..
            } => self
                .prepare(&program, parameters)
                .map(|missing| Response::Prepared { slot, missing }),
            Request::Load {
                parameter,
                offset,
                bytes,
                ..
            } => self
                .load(parameter, offset, bytes)
                .map(|()| Response::Loaded { slot }),
            Request::Execute { batch, .. } => match self.prepared.take() {
                Some(prepared) => self
                    .execute(&prepared, batch)
                    .map(|()| Response::Executed { slot }),
                None => Err(refused("nothing is prepared")),
            },
            Request::List | Request::Open(_) => Err(refused("it is not about a slot")),
        };
        response.unwrap_or_else(|error| {
            self.prepared = None;
            Response::Failed {
                slot: Some(slot),
                error,
            }
        })
    }

    fn prepare(&mut self, program: &[u8], contents: Vec<Content>) -> Result<Vec<u16>, DeviceError> {
        self.prepared = None;
        let program = Program::from_bytes(program).map_err(|_| refused("no program"))?;
        let plan = Plan::new(program).map_err(|_| refused("no valid program"))?;
        let indices = (0u16..).take(contents.len());
        let lengths = indices.map(|index| plan.tensor_bytes(TensorRef::Parameter(index), 1));
        let fit = contents.len() == plan.program().parameters.len()
            && lengths.eq(contents.iter().map(|content| Some(content.bytes)));
        if !fit {
            return Err(refused("parameters of other sizes"));
        }
        let mut residents = lock(&self.opened.residents);
        let parameters: Vec<_> = contents.iter().map(|each| residents.get(*each)).collect();
        drop(residents);
        let missing = (0u16..).zip(&parameters);
        let missing = missing.filter(|(_, parameter)| parameter.is_none());
        let missing = missing.map(|(index, _)| index).collect();
        self.prepared = Some(Prepared {
            plan,
            contents,
            parameters,
            arriving: None,
        });
        Ok(missing)
    }

    /// Takes a part of a parameter from the slot.
    fn load(&mut self, parameter: u16, offset: u64, bytes: u64) -> Result<(), DeviceError> {
        let opened = self.opened.clone();
        let prepared = self.prepared.as_mut();
        let prepared = prepared.ok_or_else(|| refused("nothing is prepared"))?;
        let content = prepared.contents.get(usize::from(parameter));
        let content = *content.ok_or_else(|| refused("no such parameter"))?;
        let (mut buffer, there) = match prepared.arriving.take() {
            Some((of, buffer, there)) if of == parameter && there == offset => (buffer, there),
            None if offset == 0 => {
                lock(&opened.residents).make_room(content.bytes);
                (opened.allocate(content.bytes)?, 0)
            }
            _ => return Err(refused("parts of parameters out of order")),
        };
        let end = there.checked_add(bytes).filter(|end| *end <= content.bytes);
        let end = end.ok_or_else(|| refused("more than the parameter has"))?;
        // SAFETY: the slot is this process's until it answers, and nothing else here uses it.
        let source = unsafe { opened.mapping.bytes(self.slot, &(0..bytes)) };
        let source = source.ok_or_else(|| refused("more than the slot has"))?;
        // SAFETY: source and buffer live until the stream is done, below.
        let queued = unsafe { upload(&mut buffer, there, source, &self.stream) };
        let done = self.stream.synchronize();
        queued.and(done.map_err(DriverError::from))?;
        if end < content.bytes {
            prepared.arriving = Some((parameter, buffer, end));
            return Ok(());
        }
        let resident = Parameter::verified(&opened, &self.stream, buffer, content)?;
        let resident = lock(&opened.residents).insert(content, Arc::new(resident));
        for (place, other) in prepared.parameters.iter_mut().zip(&prepared.contents) {
            if *other == content {
                *place = Some(resident.clone());
            }
        }
        Ok(())
    }

    fn execute(&mut self, prepared: &Prepared, batch: u32) -> Result<(), DeviceError> {
        let opened = self.opened.clone();
        let plan = &prepared.plan;
        let too_large = || refused("a batch that the program does not allow");
        if batch == 0 || batch > plan.program().max_batch {
            return Err(too_large());
        }
        let layout = SlotLayout::of(plan, batch).ok_or_else(too_large)?;
        let places = Workspace::of(plan, batch).ok_or_else(too_large)?;
        let own = opened.workspaces.get(self.slot as usize);
        let mut workspace = lock(own.ok_or_else(|| refused("no such slot"))?);
        if workspace
            .as_ref()
            .is_none_or(|workspace| (workspace.len() as u64) < places.bytes)
        {
            *workspace = None;
            *workspace = Some(opened.allocate(places.bytes)?);
        }
        let Some(workspace) = workspace.as_mut() else {
            return Err(refused("no workspace"));
        };
        let batch = Batch {
            opened: &opened,
            stream: &self.stream,
            slot: self.slot,
            prepared,
            batch,
            layout,
            places,
            start: address(workspace),
        };
        let mut faults = vec![0; 4 * plan.program().operations.len()];
        // SAFETY: the slot is this process's until it answers; workspace, parameters and `faults`
        // live until the stream is done, below.
        let queued = unsafe { batch.queue(workspace, &mut faults) };
        let done = self.stream.synchronize().map_err(DriverError::from);
        queued?;
        done?;
        first_fault(&faults)
    }
}

/// An error if the counter of an operation is not zero.
fn first_fault(counters: &[u8]) -> Result<(), DeviceError> {
    let (counters, _) = counters.as_chunks::<4>();
    let mut faults = (0u16..).zip(counters);
    match faults.find(|(_, counter)| **counter != [0; 4]) {
        None => Ok(()),
        Some((operation, _)) => Err(DeviceError::ResultCheckFailed { operation }),
    }
}

/// Queues a copy to the device.
///
/// # Safety
/// Both must live, and the source stay as it is, until the stream is done.
unsafe fn upload(
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
struct Batch<'a> {
    opened: &'a Opened,
    stream: &'a Stream,
    slot: u32,
    prepared: &'a Prepared,
    batch: u32,
    layout: SlotLayout,
    places: Workspace,
    start: Address,
}

impl Batch<'_> {
    /// Queues everything: inputs to the device, operations and their checks, outputs from it.
    ///
    /// # Safety
    /// The slot must be this process's; workspace, parameters and `faults` must live until the
    /// stream is done.
    unsafe fn queue(
        &self,
        workspace: &mut DeviceBuffer<u8>,
        faults: &mut [u8],
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
        unsafe { self.clear(workspace, self.places.faults, faults.len() as u64) }?;
        let results = self.layout.outputs.iter().zip(&self.places.outputs);
        for ((operation, index), (range, place)) in
            program.operations.iter().zip(0u16..).zip(results)
        {
            // SAFETY: the caller vouches for it.
            unsafe { self.operation(workspace, index, operation) }?;
            // SAFETY: the caller vouches for the slot; outputs do not overlap.
            let output = unsafe { self.opened.mapping.bytes(self.slot, range) };
            let output = output.ok_or_else(out_of_slot)?;
            // SAFETY: the caller vouches for it.
            unsafe { self.download(workspace, *place, output) }?;
        }
        // SAFETY: the caller vouches for it.
        unsafe { self.download(workspace, self.places.faults, faults) }
    }

    unsafe fn download(
        &self,
        workspace: &DeviceBuffer<u8>,
        at: u64,
        to: &mut [u8],
    ) -> Result<(), DeviceError> {
        let at = at as usize;
        let from = workspace.index(at..at + to.len());
        // SAFETY: the caller of `queue` vouches for it.
        let queued = unsafe { from.async_copy_to(to, self.stream) };
        Ok(queued.map_err(DriverError::from)?)
    }

    unsafe fn clear(
        &self,
        workspace: &DeviceBuffer<u8>,
        at: u64,
        bytes: u64,
    ) -> Result<(), DeviceError> {
        let at = at as usize;
        let mut part = workspace.index(at..at + bytes as usize);
        // SAFETY: the caller of `queue` vouches for it.
        let queued = unsafe { part.set_8_async(0, self.stream) };
        Ok(queued.map_err(DriverError::from)?)
    }

    unsafe fn operation(
        &self,
        workspace: &DeviceBuffer<u8>,
        index: u16,
        operation: &Operation,
    ) -> Result<(), DeviceError> {
        let plan = &self.prepared.plan;
        let invalid = || DeviceError::Unsupported { operation: index };
        let y = self.output(index).ok_or_else(invalid)?;
        let faults = self.start + self.places.faults + 4 * u64::from(index);
        let stream = self.stream;
        match *operation {
            Operation::Linear {
                input,
                weights,
                channels,
                table,
            } => {
                let m = rows(plan, index, self.batch).ok_or_else(invalid)?;
                let shape = plan.tensor_type(TensorRef::Parameter(weights));
                let shape = shape.and_then(|tensor| tensor.dimensions.first_chunk());
                let [n, k] = *shape.ok_or_else(invalid)?;
                let weights = self.parameter(weights)?;
                let operation = Linear {
                    x: self.operand(input).ok_or_else(invalid)?,
                    w: weights.address(),
                    channels: self.parameter(channels)?.address(),
                    table: self.table(table).ok_or_else(invalid)?,
                    y,
                    m,
                    n,
                    k,
                    check: weights.check(self.opened, stream, [n, k])?,
                    sums: self.start + self.places.sums,
                };
                // SAFETY: all addresses are of parts of the workspace, or of parameters, that are
                // as large as the plan says.
                unsafe {
                    self.clear(workspace, self.places.sums, 16 * m)?;
                    self.opened.kernels.linear(stream, operation, faults)
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
                let count = plan.tensor_bytes(TensorRef::Operation(index), self.batch);
                let operation = Add {
                    a: self.operand(left).ok_or_else(invalid)?,
                    b: self.operand(right).ok_or_else(invalid)?,
                    table: self.table(table).ok_or_else(invalid)?,
                    y,
                    count: count.ok_or_else(invalid)?,
                    multipliers: [left_multiplier, right_multiplier],
                    shift,
                };
                // SAFETY: as above.
                unsafe { self.opened.kernels.add(stream, operation, faults) }
            }
        }
    }

    fn output(&self, operation: u16) -> Option<Address> {
        let place = self.places.outputs.get(usize::from(operation))?;
        Some(self.start + place)
    }

    fn operand(&self, operand: Operand) -> Option<Address> {
        match operand {
            Operand::Input(index) => {
                let place = self.places.inputs.get(usize::from(index))?;
                Some(self.start + place)
            }
            Operand::Operation(index) => self.output(index),
        }
    }

    /// The kernels' null where there is no table.
    fn table(&self, table: Option<u16>) -> Option<Address> {
        let Some(index) = table else {
            return Some(0);
        };
        let place = self.places.tables.get(usize::from(index))?;
        Some(self.start + place)
    }

    fn parameter(&self, index: u16) -> Result<&Parameter, DeviceError> {
        let parameter = self.prepared.parameters.get(usize::from(index));
        let parameter = parameter.and_then(Option::as_deref);
        parameter.ok_or_else(|| refused("a parameter is missing"))
    }
}
