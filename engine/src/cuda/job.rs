//! A job for devices, and what is done with one part of it in one slot.

use super::{
    content,
    error::DeviceError,
    layout::SlotLayout,
    parts::Part,
    process::Process,
    protocol::{Content, Request, Response},
};
use codec::Encode;
use mizan_tensor::{hash_bytes, Hash, Plan};
use rayon::prelude::*;

/// A job whose tensors were checked to fit its program.
pub(crate) struct Job<'a> {
    pub(crate) plan: &'a Plan,
    parameters: &'a [&'a [u8]],
    inputs: &'a [&'a [u8]],
    batch: u32,
    program: Vec<u8>,
    /// The hash of the program.
    pub(crate) model: Hash,
    contents: Vec<Content>,
}

/// Why a part was not executed.
#[derive(Debug)]
pub(crate) struct PartError {
    pub(crate) error: DeviceError,
    /// Whether fewer items could need less of what was missing.
    pub(crate) depends_on_items: bool,
}

impl From<DeviceError> for PartError {
    fn from(error: DeviceError) -> Self {
        Self {
            error,
            depends_on_items: false,
        }
    }
}

impl<'a> Job<'a> {
    /// Hashes the parameters: a device finds them by their bytes.
    pub(crate) fn new(
        plan: &'a Plan,
        parameters: &'a [&'a [u8]],
        inputs: &'a [&'a [u8]],
        batch: u32,
    ) -> Self {
        let content = |bytes: &&[u8]| Content {
            hash: content::hash(bytes),
            bytes: bytes.len() as u64,
        };
        let program = plan.program().encode();
        Self {
            plan,
            parameters,
            inputs,
            batch,
            model: hash_bytes(&program),
            program,
            contents: parameters.par_iter().map(content).collect(),
        }
    }

    /// Executes a part in a slot and puts the results into their places.
    pub(crate) fn run(
        &self,
        process: &Process,
        slot: u32,
        part: &mut Part<'_>,
    ) -> Result<(), PartError> {
        self.prepare(process, slot)?;
        let batch = part.batch();
        let layout = SlotLayout::of(self.plan, batch);
        let layout = layout.ok_or(DeviceError::TooLarge {
            bytes: u64::MAX,
            limit: process.slot_bytes(),
        })?;
        for (place, input) in layout.inputs.iter().zip(self.inputs) {
            process.write(slot, place.start, part.of_input(input, self.batch))?;
        }
        let executed = process.ask(slot, &Request::Execute { slot, batch });
        match executed.map_err(|error| PartError {
            error,
            depends_on_items: true,
        })? {
            Response::Executed { .. } => (),
            other => return Err(process.reject(&other).into()),
        }
        for (place, output) in layout.outputs.iter().zip(&mut part.outputs) {
            process.read(slot, place.start, output)?;
        }
        Ok(())
    }

    /// Makes the slot ready for this program, and brings what the device lacks.
    fn prepare(&self, process: &Process, slot: u32) -> Result<(), DeviceError> {
        let request = Request::Prepare {
            slot,
            program: self.program.clone(),
            parameters: self.contents.clone(),
        };
        let missing = match process.ask(slot, &request)? {
            Response::Prepared { missing, .. } => missing,
            other => return Err(process.reject(&other)),
        };
        for parameter in missing {
            let Some(bytes) = self.parameters.get(usize::from(parameter)) else {
                let error = "it lacks a parameter that the program does not have";
                return Err(process.condemn(DeviceError::BadAnswer(error.into())));
            };
            self.load(process, slot, parameter, bytes)?;
        }
        Ok(())
    }

    fn load(
        &self,
        process: &Process,
        slot: u32,
        parameter: u16,
        bytes: &[u8],
    ) -> Result<(), DeviceError> {
        let most = usize::try_from(process.slot_bytes()).unwrap_or(usize::MAX);
        let mut offset = 0;
        for piece in bytes.chunks(most.max(1)) {
            process.write(slot, 0, piece)?;
            let request = Request::Load {
                slot,
                parameter,
                offset,
                bytes: piece.len() as u64,
            };
            match process.ask(slot, &request)? {
                Response::Loaded { .. } => (),
                other => return Err(process.reject(&other)),
            }
            offset += piece.len() as u64;
        }
        Ok(())
    }
}
