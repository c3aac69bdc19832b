//! Where a batch's tensors are in the device's memory.

use super::{hashing::Turn, parameter::ALIGNMENT, verdict::VerdictLayout};
use crate::cuda::{
    launch::hash_workspace_bytes,
    runs::{node_bytes, Run, NODE_BYTES},
    ways::Room,
};
use mizan_tensor::{Operation, Plan, TensorRef};

/// Bytes of a table.
const TABLE_BYTES: u64 = 256;

/// Offsets into a slot's workspace. Tensors are aligned, so that kernels take their fast paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Workspace {
    pub(super) inputs: Vec<u64>,
    pub(super) outputs: Vec<u64>,
    /// All tables, one after the other.
    pub(super) tables: u64,
    /// For each operation, if it is linear, two words for each of its rows. They follow each
    /// other.
    pub(super) sums: Vec<u64>,
    /// Counters for blocks that share tiles; zero before and after each operation.
    pub(super) arrivals: u64,
    /// Of sums and counters.
    pub(super) cleared_bytes: u64,
    /// What such blocks leave to each other.
    pub(super) partials: u64,
    /// How much room they have.
    pub(super) room: Room,
    /// Room for hashing any input, any channel records, and any run.
    pub(super) nodes: u64,
    /// The hashes of all runs, for each turn.
    hashes: [u64; 2],
    /// What the checks say.
    pub(super) verdict: u64,
    pub(super) verdict_bytes: u64,
    /// All of it.
    pub(super) bytes: u64,
}

impl Workspace {
    /// For a batch of which these runs are hashed, with room for blocks that share tiles; `None` if
    /// it is larger than anything.
    pub(super) fn of(plan: &Plan, batch: u32, runs: &[Run], room: Room) -> Option<Self> {
        let program = plan.program();
        let mut end = 0u64;
        let mut place = |bytes: u64| {
            let start = end;
            let aligned = bytes.checked_next_multiple_of(ALIGNMENT)?;
            end = start.checked_add(aligned)?;
            Some(start)
        };
        let input = |index| plan.tensor_bytes(TensorRef::Input(index), batch);
        let inputs = (0u16..).take(program.inputs.len());
        let inputs = inputs.map(|index| place(input(index)?));
        let inputs = inputs.collect::<Option<_>>()?;
        let operations = || (0u16..).zip(&program.operations);
        let outputs = operations()
            .map(|(index, _)| place(plan.tensor_bytes(TensorRef::Operation(index), batch)?));
        let outputs = outputs.collect::<Option<_>>()?;
        let tables = place(Self::table_bytes(plan))?;
        let sums = operations().map(|(index, operation)| match operation {
            Operation::Linear { .. } => place(rows(plan, index, batch)?.checked_mul(16)?),
            Operation::Add { .. } => place(0),
        });
        let sums = sums.collect::<Option<Vec<_>>>()?;
        let arrivals = place(room.arrivals_bytes)?;
        let partials = place(room.partials_bytes)?;
        let of_runs = runs.iter().map(|run| run.chunks() * NODE_BYTES);
        let most_nodes = of_runs.fold(most_nodes(plan, batch)?, u64::max);
        let nodes = place(most_nodes)?;
        let hashes = [place(node_bytes(runs))?, place(node_bytes(runs))?];
        let verdict_bytes = VerdictLayout::of(plan).bytes();
        let verdict = place(verdict_bytes)?;
        Some(Self {
            inputs,
            outputs,
            tables,
            cleared_bytes: partials - sums.first()?,
            sums,
            arrivals,
            partials,
            room,
            nodes,
            hashes,
            verdict,
            verdict_bytes,
            bytes: end,
        })
    }

    /// Of all tables of a program.
    pub(super) fn table_bytes(plan: &Plan) -> u64 {
        TABLE_BYTES * plan.program().tables.len() as u64
    }

    /// Where the hashes of the runs are.
    pub(super) fn place_of(&self, turn: Turn) -> u64 {
        match turn {
            Turn::BeforeChecks => self.hashes[0],
            Turn::BehindChecks => self.hashes[1],
        }
    }

    pub(super) fn table(&self, index: u16) -> u64 {
        self.tables + TABLE_BYTES * u64::from(index)
    }
}

/// Most bytes of nodes of anything that is hashed.
fn most_nodes(plan: &Plan, batch: u32) -> Option<u64> {
    let program = plan.program();
    let inputs = (0u16..).take(program.inputs.len()).map(TensorRef::Input);
    let channels = program
        .operations
        .iter()
        .filter_map(|operation| match *operation {
            Operation::Linear { channels, .. } => Some(TensorRef::Parameter(channels)),
            Operation::Add { .. } => None,
        });
    let nodes = |tensor| Some(hash_workspace_bytes(plan.tensor_bytes(tensor, batch)?));
    inputs
        .chain(channels)
        .try_fold(0, |most, tensor| Some(most.max(nodes(tensor)?)))
}

/// Rows of an operation's output: slices along its last dimension.
pub(super) fn rows(plan: &Plan, operation: u16, batch: u32) -> Option<u64> {
    let output = TensorRef::Operation(operation);
    let width = plan.tensor_type(output)?.dimensions.last()?;
    plan.tensor_bytes(output, batch)?
        .checked_div(u64::from(*width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cuda::{protocol::Hashed, runs::runs};
    use mizan_tensor::vectors;

    #[test]
    fn tensors_are_aligned_and_do_not_overlap() {
        for vector in vectors::all().unwrap() {
            let plan = Plan::new(vector.program).unwrap();
            let hashed = Hashed {
                first: 0,
                job_batch: vector.batch,
                least_bytes: 1,
            };
            let runs = runs(&plan, &hashed, vector.batch).unwrap();
            let room = Room::of(3);
            let workspace = Workspace::of(&plan, vector.batch, &runs, room).unwrap();
            let places = workspace.inputs.iter().chain(&workspace.outputs);
            let lengths = vector
                .inputs
                .iter()
                .map(Vec::len)
                .chain([vector.trace.len()]);
            let mut end = 0;
            for (place, length) in places.zip(lengths) {
                assert!(*place >= end && place.is_multiple_of(ALIGNMENT));
                end = place + length as u64;
            }
            let others = [
                workspace.tables,
                workspace.sums[0],
                workspace.arrivals,
                workspace.partials,
                workspace.nodes,
                workspace.hashes[0],
                workspace.hashes[1],
                workspace.verdict,
            ];
            assert!(others[0] >= end && others.is_sorted());
            let cleared = workspace.sums[0] + workspace.cleared_bytes;
            assert_eq!(cleared, workspace.partials);
            assert!(workspace.partials - workspace.arrivals >= room.arrivals_bytes);
            assert!(workspace.nodes - workspace.partials >= room.partials_bytes);
            let hashes = workspace.verdict - workspace.hashes[0];
            assert!(hashes >= 2 * node_bytes(&runs));
            assert!(workspace.bytes >= workspace.verdict + workspace.verdict_bytes);
        }
    }
}
