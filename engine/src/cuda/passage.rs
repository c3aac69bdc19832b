//! How a part's tensors pass through a slot.

use super::{
    error::DeviceError,
    job::PartError,
    layout::SlotLayout,
    parts::Part,
    process::Process,
    protocol::{Hashed, Request, Response},
};

/// A part's way through a slot of a device, whose program is prepared there.
pub(crate) struct Passage<'a> {
    pub(crate) process: &'a Process,
    pub(crate) slot: u32,
    /// Where its tensors are in a slot, or would be.
    pub(crate) layout: &'a SlotLayout,
    /// What it takes.
    pub(crate) macs: u128,
    /// What the device hashes.
    pub(crate) hashed: Option<Hashed>,
}

impl Passage<'_> {
    /// A part that fits the slot: all its inputs, then all its results.
    pub(crate) fn at_once(
        &self,
        batch: u32,
        inputs: &[&[u8]],
        part: &mut Part<'_>,
        nodes: &mut [u8],
    ) -> Result<(), PartError> {
        let Self {
            process,
            slot,
            layout,
            hashed,
            ..
        } = *self;
        for (place, input) in layout.inputs.iter().zip(inputs) {
            process.write(slot, place.start, input)?;
        }
        self.execute(&Request::Execute {
            slot,
            batch,
            hashed,
        })?;
        for (place, output) in layout.outputs.iter().zip(&mut part.outputs) {
            process.read(slot, place.start, output)?;
        }
        Ok(process.read(slot, layout.nodes.start, nodes)?)
    }

    /// A part that does not fit the slot, but the device's memory.
    pub(crate) fn in_pieces(
        &self,
        batch: u32,
        inputs: &[&[u8]],
        part: &mut Part<'_>,
        nodes: &mut [u8],
    ) -> Result<(), PartError> {
        let Self {
            process,
            slot,
            layout,
            hashed,
            ..
        } = *self;
        let staged = process.ask(
            slot,
            &Request::Stage {
                slot,
                batch,
                hashed,
            },
        );
        self.expect_staged(staged.map_err(depends_on_items)?)?;
        for (place, input) in layout.inputs.iter().zip(inputs) {
            self.bring(place.start, input)?;
        }
        self.execute(&Request::ExecuteStaged { slot })?;
        for (place, output) in layout.outputs.iter().zip(&mut part.outputs) {
            self.fetch(place.start, output)?;
        }
        Ok(self.fetch(layout.nodes.start, nodes)?)
    }

    fn execute(&self, request: &Request) -> Result<(), PartError> {
        let executed = self.process.ask_to_execute(self.slot, request, self.macs);
        match executed.map_err(depends_on_items)? {
            Response::Executed { .. } => Ok(()),
            other => Err(self.process.reject(&other).into()),
        }
    }

    fn bring(&self, mut offset: u64, tensor: &[u8]) -> Result<(), DeviceError> {
        let slot = self.slot;
        for piece in tensor.chunks(self.piece_bytes()) {
            self.process.write(slot, 0, piece)?;
            let bytes = piece.len() as u64;
            let request = Request::Bring {
                slot,
                offset,
                bytes,
            };
            self.expect_staged(self.process.ask(slot, &request)?)?;
            offset += bytes;
        }
        Ok(())
    }

    fn fetch(&self, mut offset: u64, tensor: &mut [u8]) -> Result<(), DeviceError> {
        let slot = self.slot;
        for piece in tensor.chunks_mut(self.piece_bytes()) {
            let bytes = piece.len() as u64;
            let request = Request::Fetch {
                slot,
                offset,
                bytes,
            };
            match self.process.ask(slot, &request)? {
                Response::Fetched { .. } => (),
                other => return Err(self.process.reject(&other)),
            }
            self.process.read(slot, 0, piece)?;
            offset += bytes;
        }
        Ok(())
    }

    fn expect_staged(&self, response: Response) -> Result<(), DeviceError> {
        match response {
            Response::Staged { .. } => Ok(()),
            other => Err(self.process.reject(&other)),
        }
    }

    fn piece_bytes(&self) -> usize {
        usize::try_from(self.process.slot_bytes().max(1)).unwrap_or(usize::MAX)
    }
}

fn depends_on_items(error: DeviceError) -> PartError {
    PartError::Device {
        error,
        depends_on_items: true,
    }
}
