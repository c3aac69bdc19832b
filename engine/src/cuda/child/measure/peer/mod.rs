//! cublasLt beside the engine's kernels.

mod descriptors;
mod library;
mod matmul;

use super::{clock::Clock, linear, operands, operands::Operands, Measuring, Run};
use crate::cuda::measure::{Comparison, Contest, Effort, MeasureError, PeerOutput, Product};
use library::Library;
use matmul::{result_bytes, Matmul, WORKSPACE_BYTES};
use std::time::{Duration, Instant};

/// What cublasLt proves itself on, as a whole: all sides differ, so that none can be mistaken for
/// another.
const PROOF: Product = Product {
    m: 48,
    n: 80,
    k: 144,
};
/// Executions by which algorithms are compared.
const TRIALS: u32 = 3;
/// How long algorithms are tried. The library names what it takes for the fastest first.
const TRIAL_LIMIT: Duration = Duration::from_secs(10);

/// Times a product in turns with cublasLt's.
pub(super) fn compare(
    measuring: Measuring<'_>,
    contest: Contest,
    effort: Effort,
) -> Result<Comparison, MeasureError> {
    let (product, output) = (contest.product, contest.output);
    let library = Library::open()?;
    prove_itself(measuring, &library, output, effort.seed)?;
    let kernel = linear::kernel(measuring.opened, contest.way)?;
    let needed = [
        operands::bytes(product),
        kernel.bytes(measuring.opened, product),
        result_bytes(product, output),
        WORKSPACE_BYTES,
    ];
    measuring.check_room(needed.into_iter().fold(0, u64::saturating_add))?;
    let operands = Operands::new(measuring, product, effort.seed)?;
    let own = linear::Linear::new(&operands, &kernel, contest.checked)?;
    let mut peer = Matmul::new(&operands, &library, output)?;
    let clock = Clock::new(measuring.stream)?;
    // So that algorithms are tried on a device that is warm, and not at all where it is hopeless.
    clock.warm_for(&own, effort)?;
    own.prove()?;
    let tried = choose(measuring, &clock, &mut peer)?;
    let runs: [&dyn Run; 2] = [&own, &peer];
    let [own_timing, peer_timing] = clock.in_turns(runs, effort)?;
    own.prove()?;
    peer.prove()?;
    Ok(Comparison {
        own: own_timing,
        peer: peer_timing,
        version: library.version(),
        proposed: u32::try_from(peer.algorithms()).unwrap_or(u32::MAX),
        tried,
    })
}

/// An error unless every element of a small product is right.
fn prove_itself(
    measuring: Measuring<'_>,
    library: &Library,
    output: PeerOutput,
    seed: u64,
) -> Result<(), MeasureError> {
    let operands = Operands::new(measuring, PROOF, seed)?;
    let peer = Matmul::new(&operands, library, output)?;
    peer.queue()?;
    peer.prove_samples(&operands.all())
}

/// Tries the algorithms, and takes the fastest; how many were tried. One that the library names
/// and then refuses is no use, nor counted; a wrong result is an error.
fn choose(
    measuring: Measuring<'_>,
    clock: &Clock<'_>,
    peer: &mut Matmul<'_>,
) -> Result<u32, MeasureError> {
    let begun = Instant::now();
    let (mut best, mut refusal, mut tried) = (None, None, 0);
    for algorithm in 0..peer.algorithms() {
        if tried > 0 && begun.elapsed() > TRIAL_LIMIT {
            break;
        }
        peer.choose(algorithm)?;
        match peer.queue() {
            Ok(()) => measuring.wait()?,
            Err(error @ MeasureError::LibraryFailed { .. }) => {
                refusal = Some(error);
                continue;
            }
            Err(error) => return Err(error),
        }
        peer.prove()?;
        tried += 1;
        let nanos = clock.round(peer, TRIALS)?;
        if best.is_none_or(|(_, least)| nanos < least) {
            best = Some((algorithm, nanos));
        }
    }
    match (best, refusal) {
        (Some((algorithm, _)), _) => peer.choose(algorithm).map(|()| tried),
        (None, Some(refusal)) => Err(refusal),
        (None, None) => Err(peer.no_algorithm()),
    }
}
