//! What is done in one slot: a program is prepared, its parameters are brought, a batch executed.

use super::{
    batch::{out_of_slot, Batch, Layouts},
    driver::DriverError,
    measure::Measuring,
    opened::Opened,
    parameter::{address, Parameter},
    staged::Staged,
    transfers::upload,
    verdict::Verdict,
};
use crate::cuda::{
    error::DeviceError,
    process::lock,
    protocol::{Content, Hashed, Request, Response},
};
use cust::{
    memory::DeviceBuffer,
    stream::{Stream, StreamFlags},
};
use mizan_tensor::{Plan, Program, TensorRef};
use std::{collections::HashSet, sync::Arc};

/// A slot with its queue of work on the device.
pub(super) struct Lane {
    opened: Arc<Opened>,
    slot: u32,
    stream: Stream,
    prepared: Option<Prepared>,
    staged: Option<Staged>,
}

/// A program and those of its parameters that are on the device.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) contents: Vec<Content>,
    pub(super) parameters: Vec<Option<Arc<Parameter>>>,
    /// The parameter that is being brought, and how much of it there is.
    arriving: Option<(u16, DeviceBuffer<u8>, u64)>,
}

pub(super) fn refused(reason: &str) -> DeviceError {
    DeviceError::BadAnswer(format!("to a request that is refused: {reason}"))
}

fn not_staged() -> DeviceError {
    refused("there is no batch in pieces")
}

impl Prepared {
    /// Whatever was wrong may be in what the device keeps.
    pub(super) fn forget_residents(&self, opened: &Opened) {
        let mut residents = lock(&opened.residents);
        for content in &self.contents {
            residents.remove(*content);
        }
    }
}

impl Lane {
    pub(super) fn new(opened: Arc<Opened>, slot: u32) -> Result<Self, DeviceError> {
        let stream = Stream::new(StreamFlags::DEFAULT, None).map_err(DriverError::from)?;
        Ok(Self {
            opened,
            slot,
            stream,
            prepared: None,
            staged: None,
        })
    }

    /// Lets the calling thread do this lane's work.
    pub(super) fn enter(&self) -> Result<(), DriverError> {
        self.opened.enter()
    }

    /// Does what is asked. A failure, and the execution of a batch, end what was prepared; a failure,
    /// and the last piece of its results, end a batch in pieces.
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
                .map(|is_named| match is_named {
                    true => Response::Loaded { slot },
                    false => Response::OtherBytes { slot },
                }),
            Request::Execute { batch, hashed, .. } => match self.prepared.take() {
                Some(prepared) => self
                    .execute(&prepared, batch, hashed.as_ref())
                    .map(|()| Response::Executed { slot }),
                None => Err(refused("nothing is prepared")),
            },
            Request::Measure { work, effort, .. } => {
                let outcome = self.measuring().measure(work, effort);
                Ok(Response::Measured { slot, outcome })
            }
            Request::Compare {
                contest, effort, ..
            } => {
                let outcome = self.measuring().compare(contest, effort);
                Ok(Response::Compared { slot, outcome })
            }
            request => self.answer_in_pieces(request),
        };
        response.unwrap_or_else(|error| {
            (self.prepared, self.staged) = (None, None);
            Response::Failed {
                slot: Some(slot),
                error,
            }
        })
    }

    /// What is asked about a batch in pieces.
    fn answer_in_pieces(&mut self, request: Request) -> Result<Response, DeviceError> {
        let slot = self.slot;
        match request {
            Request::Stage { batch, hashed, .. } => self
                .stage(batch, hashed.as_ref())
                .map(|()| Response::Staged { slot }),
            Request::Bring { offset, bytes, .. } => self
                .bring(offset, bytes)
                .map(|()| Response::Staged { slot }),
            Request::ExecuteStaged { .. } => {
                self.execute_staged().map(|()| Response::Executed { slot })
            }
            Request::Fetch { offset, bytes, .. } => self
                .fetch(offset, bytes)
                .map(|()| Response::Fetched { slot }),
            _ => Err(refused("it is not about a slot")),
        }
    }

    fn measuring(&self) -> Measuring<'_> {
        Measuring {
            opened: &self.opened,
            stream: &self.stream,
            slot: self.slot,
        }
    }

    fn prepare(&mut self, program: &[u8], contents: Vec<Content>) -> Result<Vec<u16>, DeviceError> {
        (self.prepared, self.staged) = (None, None);
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
        let absent = (0u16..).zip(contents.iter().zip(&parameters));
        let absent = absent.filter(|(_, (_, parameter))| parameter.is_none());
        // The same bytes are brought once, whatever they are called.
        let mut seen = HashSet::new();
        let missing = absent.filter(|(_, (content, _))| seen.insert(**content));
        let missing = missing.map(|(index, _)| index).collect();
        self.prepared = Some(Prepared {
            plan,
            contents,
            parameters,
            arriving: None,
        });
        Ok(missing)
    }

    /// Takes a part of a parameter from the slot. False if that was the last one, and the device
    /// does not hash all of it to the parameter's name: it is not kept then.
    fn load(&mut self, parameter: u16, offset: u64, bytes: u64) -> Result<bool, DeviceError> {
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
            return Ok(true);
        }
        let resident = Parameter::verified(&opened, &self.stream, buffer, content)?;
        let Some(resident) = resident else {
            return Ok(false);
        };
        let resident = lock(&opened.residents).insert(content, Arc::new(resident));
        for (place, other) in prepared.parameters.iter_mut().zip(&prepared.contents) {
            if *other == content {
                *place = Some(resident.clone());
            }
        }
        Ok(true)
    }

    fn execute(
        &mut self,
        prepared: &Prepared,
        batch: u32,
        hashed: Option<&Hashed>,
    ) -> Result<(), DeviceError> {
        let layouts = Layouts::of(&self.opened, &prepared.plan, batch, hashed)?;
        let mut workspace = self
            .opened
            .take_workspace(self.slot, layouts.places.bytes)?;
        let executed = self.execute_in(&mut workspace, prepared, &layouts);
        self.opened.put_back_workspace(self.slot, workspace);
        executed
    }

    fn execute_in(
        &self,
        workspace: &mut DeviceBuffer<u8>,
        prepared: &Prepared,
        layouts: &Layouts,
    ) -> Result<(), DeviceError> {
        let batch = Batch {
            opened: &self.opened,
            stream: &self.stream,
            slot: self.slot,
            prepared,
            layouts,
            start: address(workspace),
        };
        let mut verdict = Verdict::of(&prepared.plan, &layouts.runs);
        // SAFETY: the slot is this process's until it answers; workspace, parameters and `verdict`
        // live until the stream is done, below.
        let (queued, inputs) = unsafe {
            let queued = batch.queue(workspace);
            // While the device works: what follows waits for it, for `verdict` is common memory.
            let inputs = batch.hash_inputs();
            let queued = queued.and_then(|()| batch.download_verdict(workspace, &mut verdict));
            (queued, inputs)
        };
        let done = self.stream.synchronize().map_err(DriverError::from);
        queued?;
        done?;
        let checked = verdict.check(prepared, &inputs?, &layouts.runs);
        checked.inspect_err(|_| prepared.forget_residents(&self.opened))?;
        let place = layouts.place_of_nodes();
        // SAFETY: the slot is this process's until it answers, and the stream is done.
        let nodes = unsafe { self.opened.mapping.bytes(self.slot, &place) };
        let nodes = nodes.ok_or_else(out_of_slot)?;
        nodes.copy_from_slice(&verdict.into_nodes());
        Ok(())
    }

    fn stage(&mut self, batch: u32, hashed: Option<&Hashed>) -> Result<(), DeviceError> {
        let prepared = self.prepared.take();
        let prepared = prepared.ok_or_else(|| refused("nothing is prepared"))?;
        let staged = Staged::new(&self.opened, self.slot, prepared, batch, hashed)?;
        self.staged = Some(staged);
        Ok(())
    }

    fn bring(&mut self, offset: u64, bytes: u64) -> Result<(), DeviceError> {
        let piece = offset..offset.saturating_add(bytes);
        let staged = self.staged.as_mut().ok_or_else(not_staged)?;
        staged.bring(&self.opened, &self.stream, self.slot, &piece)
    }

    fn execute_staged(&mut self) -> Result<(), DeviceError> {
        let staged = self.staged.as_mut().ok_or_else(not_staged)?;
        staged.execute(&self.opened, &self.stream, self.slot)
    }

    fn fetch(&mut self, offset: u64, bytes: u64) -> Result<(), DeviceError> {
        let piece = offset..offset.saturating_add(bytes);
        let staged = self.staged.as_mut().ok_or_else(not_staged)?;
        if staged.fetch(&self.opened, &self.stream, self.slot, &piece)? {
            self.staged = None;
        }
        Ok(())
    }
}
