//! `fraud-proof`: what it takes to prove one number wrong.
//!
//! The bytes are those of the evidence in the transaction. The time is that of the chain's own
//! judgement in the WASM of a running node, asked by `TensorApi_judge`: the median of many calls,
//! less the median of calls with as many bytes that end before anything is judged. The blocks
//! are those of two workers that cheat, one with its data public and one that hides it.

use crate::{
    scene::Scene,
    wait::{until, Deadline},
};
use anyhow::{ensure, Context, Result};
use codec::Encode;
use mizan_client::{disputes, keys, At};
use mizan_tensor::{
    hash_bytes, Accusation, BlobRef, Exhibits, Operand, Operation, Parameter, Plan, Program,
    Request, TensorType, FORMAT,
};
use reqwest::Client;
use serde_json::{json, Number, Value};
use std::time::Instant;

/// Calls of each kind. Every second one is of the other kind, so that both see the same machine.
const CALLS: usize = 600;
/// Items of the jobs that are judged.
const BATCH: u32 = 64;

/// The figures.
pub async fn figures() -> Result<Vec<(&'static str, Number)>> {
    let scene = Scene::new().await?;
    let url = scene.chain.url.replace("ws://", "http://");
    let usual = Case::linear(4_096, 64);
    let odd = Case::linear(4_000, 64);
    // The longest reduction that there can be, at the end of large tensors.
    let longest = Case::linear(65_536, 16);
    let sum = Case::sum(1_024);
    let mut micros = Vec::new();
    for case in [&usual, &odd, &longest, &sum] {
        micros.push(case.micros(&url).await?);
    }
    let bytes = |case: &Case| case.evidence.len();
    let most_bytes = [&usual, &odd, &longest, &sum].map(bytes).into_iter().max();
    let most_micros = micros.iter().copied().fold(0.0, f64::max);
    let (slash, withheld) = blocks(&scene).await?;
    Ok(vec![
        ("linear_k4096_bytes", bytes(&usual).into()),
        ("linear_k4096_wasm_us", number(micros[0])?),
        ("linear_k4000_bytes", bytes(&odd).into()),
        ("linear_k4000_wasm_us", number(micros[1])?),
        ("add_bytes", bytes(&sum).into()),
        ("add_wasm_us", number(micros[3])?),
        ("max_bytes", most_bytes.context("no case")?.into()),
        ("max_wasm_us", number(most_micros)?),
        ("blocks_to_slash", slash.into()),
        ("blocks_to_slash_withheld", withheld.into()),
    ])
}

fn number(value: f64) -> Result<Number> {
    Number::from_f64((value * 10.0).round() / 10.0).context("not a number")
}

/// A wrong number with its proof.
struct Case {
    arguments: Vec<u8>,
    /// The same bytes, of a program in a format that nobody knows.
    unjudged: Vec<u8>,
    evidence: Vec<u8>,
}

impl Case {
    /// The last element of `[64, K] x [N, K]`, one off.
    fn linear(k: u32, n: u32) -> Self {
        let numbers = |count: u32, step: u32| -> Vec<u8> {
            let number = |index: u32| index.wrapping_mul(step).to_le_bytes()[1];
            (0..count).map(number).collect()
        };
        let channel = [0u8, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        let parameters = vec![numbers(n * k, 2_654_435_761), channel.repeat(n as usize)];
        let inputs = vec![numbers(BATCH * k, 40_503)];
        let shapes = [TensorType::i8(&[n, k]), TensorType::channels(n)];
        let operation = Operation::Linear {
            input: Operand::Input(0),
            weights: 0,
            channels: 1,
            table: None,
        };
        Self::of(operation, &[k], &shapes, parameters, inputs, BATCH * n)
    }

    /// The last element of the sum of an input with itself, one off.
    fn sum(width: u32) -> Self {
        let operation = Operation::Add {
            left: Operand::Input(0),
            right: Operand::Input(0),
            left_multiplier: 1,
            right_multiplier: 1,
            shift: 1,
            table: None,
        };
        let inputs = vec![vec![5; (BATCH * width) as usize]];
        Self::of(operation, &[width], &[], Vec::new(), inputs, BATCH * width)
    }

    fn of(
        operation: Operation,
        input: &[u32],
        shapes: &[TensorType],
        parameters: Vec<Vec<u8>>,
        inputs: Vec<Vec<u8>>,
        elements: u32,
    ) -> Self {
        let named = parameters
            .iter()
            .zip(shapes)
            .map(|(bytes, tensor)| Parameter {
                hash: hash_bytes(bytes),
                tensor: tensor.clone(),
            });
        let program = Program {
            format: FORMAT,
            owner: [1; 32],
            max_batch: BATCH,
            inputs: vec![TensorType::i8(input)],
            parameters: named.collect(),
            tables: Vec::new(),
            operations: vec![operation],
            outputs: vec![0],
        };
        let plan = Plan::new(program.clone()).expect("the program is valid; qed");
        let parameters: Vec<&[u8]> = parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let right = mizan_tensor::execute(&plan, &parameters, &inputs, BATCH);
        let mut trace = right.expect("the tensors fit; qed").trace;
        let index = u64::from(elements - 1);
        trace[elements as usize - 1] ^= 1;
        let accusation = Accusation::Element {
            operation: 0,
            index,
        };
        let exhibits = Exhibits {
            plan: &plan,
            batch: BATCH,
            parameters: &parameters,
            inputs: &inputs,
            trace: &trace,
            outputs: &[&trace],
        };
        let evidence = exhibits.evidence(&accusation).expect("it exists; qed");
        let hashes: Vec<_> = inputs.iter().map(|input| hash_bytes(input)).collect();
        let output = hash_bytes(&trace);
        // Batch, inputs, outputs and trace: `mizan_protocol::api::ClaimedHashes`.
        let claim = (BATCH, hashes, vec![output], output);
        let arguments = |program: Vec<u8>| (program, &claim, accusation, &evidence).encode();
        let mut unknown = program.encode();
        unknown[0] = FORMAT + 1;
        Self {
            arguments: arguments(program.encode()),
            unjudged: arguments(unknown),
            evidence,
        }
    }

    /// Microseconds of judging.
    async fn micros(&self, url: &str) -> Result<f64> {
        let client = Client::new();
        // What `Result<bool, TensorApiError>` is when the proof convicts.
        let convicts = Ok::<bool, u8>(true).encode();
        ensure!(
            call(&client, url, &self.arguments).await?.0 == convicts,
            "the proof does not convict"
        );
        let (mut judged, mut unjudged) = (Vec::new(), Vec::new());
        for _ in 0..CALLS {
            judged.push(call(&client, url, &self.arguments).await?.1);
            unjudged.push(call(&client, url, &self.unjudged).await?.1);
        }
        Ok(median(judged) - median(unjudged))
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The answer of the chain's judgement, and how many microseconds it took.
async fn call(client: &Client, url: &str, arguments: &[u8]) -> Result<(Vec<u8>, f64)> {
    let arguments = format!("0x{}", hex(arguments));
    let body = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "state_call",
        "params": ["TensorApi_judge", arguments],
    });
    let request = client
        .post(url)
        .header("Content-Type", "application/json")
        .body(body.to_string());
    let start = Instant::now();
    let answer = request.send().await?.bytes().await?;
    let micros = start.elapsed().as_secs_f64() * 1e6;
    let answer: Value = serde_json::from_slice(&answer)?;
    let result = answer["result"]
        .as_str()
        .with_context(|| answer.to_string())?;
    let digits = result.trim_start_matches("0x");
    let bytes = (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((bytes, micros))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Blocks from an attestation to the conviction: by a proof, and by silence.
async fn blocks(scene: &Scene) -> Result<(u32, u32)> {
    let cheaters = scene.cheaters(&["flip:0:5", "vanish"]).await?;
    let [liar, silent] = &cheaters[..] else {
        anyhow::bail!("there are not two");
    };
    let eve = scene.command("//Eve")?;
    let (lie, claimed) = claim(scene, &liar.owner).await?;
    eve.run(&["job", "verify", &lie.to_string(), "--full", "--submit"])
        .await?;
    let by_proof = convicted(scene, lie).await? - claimed;

    let (hidden, claimed) = claim(scene, &silent.owner).await?;
    let demand = disputes::demand(
        hidden,
        Request::Chunks {
            blob: BlobRef::Trace,
            first: 0,
            count: 1,
        },
    );
    scene
        .client()
        .submit(&demand, &keys::parse_key("//Eve")?)
        .await?;
    let by_silence = convicted(scene, hidden).await? - claimed;
    Ok((by_proof, by_silence))
}

async fn claim(scene: &Scene, owner: &crate::workers::Owner) -> Result<(u64, u32)> {
    let id = scene.post(owner).await?;
    let claimed = scene.claimed(id).await?;
    let attestation = claimed.state.attestation().context("no claim")?;
    Ok((id, attestation.attested_block))
}

async fn convicted(scene: &Scene, id: u64) -> Result<u32> {
    use mizan_client::views::JobState;
    until("a conviction", Deadline::seconds(120), async || {
        let job = scene.client().job(id, At::Best).await?;
        Ok(job.and_then(|job| match job.state {
            JobState::Convicted { conviction, .. } => Some(conviction.convicted_block),
            _ => None,
        }))
    })
    .await
}
