//! A job for devices, and what is done with one part of it in one slot.

use super::{
    committing::Committing,
    content,
    error::DeviceError,
    layout::SlotLayout,
    parts::Part,
    passage::Passage,
    process::Process,
    protocol::{Content, Request, Response},
    runs::{node_bytes, runs},
};
use crate::commit;
use codec::Encode;
use mizan_tensor::{hash_bytes, Commitment, Execution, ExecutionError, Hash, Plan};

/// A job whose tensors were checked to fit its program.
pub(crate) struct Job<'a> {
    pub(crate) plan: &'a Plan,
    parameters: &'a [&'a [u8]],
    inputs: &'a [&'a [u8]],
    pub(crate) batch: u32,
    program: Vec<u8>,
    /// The hash of the program.
    pub(crate) model: Hash,
    contents: Vec<Content>,
    /// What is known for a commitment, if one is wanted.
    committing: Option<Committing>,
}

/// Why a part was not executed.
#[derive(Debug)]
pub(crate) enum PartError {
    /// The device did not do it.
    Device {
        error: DeviceError,
        /// Whether fewer items could need less of what was missing.
        depends_on_items: bool,
    },
    /// The caller gave a parameter of this index that is not the one that the program names.
    WrongParameter(u16),
}

impl From<DeviceError> for PartError {
    fn from(error: DeviceError) -> Self {
        Self::Device {
            error,
            depends_on_items: false,
        }
    }
}

impl<'a> Job<'a> {
    /// An error if the tensors do not fit the program. No parameter is hashed: a device finds them
    /// by the hashes that the program names, and hashes those that it lacks.
    pub(crate) fn new(
        plan: &'a Plan,
        parameters: &'a [&'a [u8]],
        inputs: &'a [&'a [u8]],
        batch: u32,
    ) -> Result<Self, ExecutionError> {
        plan.check_tensors(parameters, inputs, batch)?;
        let named = plan.program().parameters.iter().zip(parameters);
        let contents = named.map(|(parameter, bytes)| Content {
            hash: parameter.hash,
            bytes: bytes.len() as u64,
        });
        let contents = contents.collect();
        let program = plan.program().encode();
        Ok(Self {
            plan,
            parameters,
            inputs,
            batch,
            model: hash_bytes(&program),
            program,
            contents,
            committing: None,
        })
    }

    /// To be committed to: devices hash what they give, where that many bytes neighbour.
    pub(crate) fn committing(self, least_bytes: u64) -> Self {
        Self {
            committing: Some(Committing::new(self.batch, least_bytes)),
            ..self
        }
    }

    /// The commitment to what came out of it.
    pub(crate) fn commitment(self, execution: &Execution) -> Commitment {
        match self.committing {
            Some(committing) => committing.commitment(self.plan, execution),
            None => commit(execution),
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
        let hashed = self.committing.as_ref().map(|job| job.of(part));
        let runs = hashed.and_then(|hashed| runs(self.plan, &hashed, batch));
        let runs = runs.unwrap_or_default();
        let mut nodes = vec![0; node_bytes(&runs) as usize];
        let passage = Passage {
            process,
            slot,
            layout: &layout,
            macs: self.plan.cost().macs(batch),
            hashed,
        };
        let inputs = self.inputs.iter();
        let inputs: Vec<_> = inputs
            .map(|input| part.of_input(input, self.batch))
            .collect();
        match layout.bytes <= process.slot_bytes() {
            true => passage.at_once(batch, &inputs, part, &mut nodes)?,
            false => passage.in_pieces(batch, &inputs, part, &mut nodes)?,
        }
        match &self.committing {
            Some(committing) => Ok(committing.take(&runs, &nodes, part)?),
            None => Ok(()),
        }
    }

    /// Makes the slot ready for this program, and brings what the device lacks.
    fn prepare(&self, process: &Process, slot: u32) -> Result<(), PartError> {
        let request = Request::Prepare {
            slot,
            program: self.program.clone(),
            parameters: self.contents.clone(),
        };
        let missing = match process.ask(slot, &request)? {
            Response::Prepared { missing, .. } => missing,
            other => return Err(process.reject(&other).into()),
        };
        for parameter in missing {
            let Some(bytes) = self.parameters.get(usize::from(parameter)) else {
                let error = "it lacks a parameter that the program does not have";
                return Err(process.condemn(DeviceError::BadAnswer(error.into())).into());
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
    ) -> Result<(), PartError> {
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
                Response::OtherBytes { .. } => return Err(self.blame(parameter, bytes)),
                other => return Err(process.reject(&other).into()),
            }
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// Who is to blame where the device does not hash a parameter to its name: the caller, if it
    /// has another hash here too.
    fn blame(&self, parameter: u16, bytes: &[u8]) -> PartError {
        let content = self.contents.get(usize::from(parameter));
        if content.is_none_or(|content| content.hash != content::hash(bytes)) {
            return PartError::WrongParameter(parameter);
        }
        let reason = "a parameter has other bytes on the device than on the host";
        DeviceError::DeviceLost(reason.into()).into()
    }
}
