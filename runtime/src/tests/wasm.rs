//! The chain's WASM computes what the native code does.

use codec::{Decode, Encode};
use mizan_protocol::api::{ClaimedHashes, TensorApiError};
use mizan_tensor::{hash_bytes, vectors, Accusation, Exhibits, Plan, TensorRef};
use polkadot_sdk::*;
use sc_executor::{WasmExecutor, DEFAULT_HEAP_ALLOC_STRATEGY};
use sp_core::traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode};
use std::borrow::Cow;

struct Chain {
    executor: WasmExecutor<sp_io::SubstrateHostFunctions>,
    code: Vec<u8>,
    hash: Vec<u8>,
}

impl Chain {
    fn new() -> Self {
        let code = crate::WASM_BINARY
            .expect("the runtime was built with its WASM")
            .to_vec();
        let executor = WasmExecutor::builder()
            .with_onchain_heap_alloc_strategy(DEFAULT_HEAP_ALLOC_STRATEGY)
            .build();
        let hash = sp_io::hashing::blake2_256(&code).to_vec();
        Self {
            executor,
            code,
            hash,
        }
    }

    fn element(
        &self,
        program: Vec<u8>,
        operation: u16,
        index: u64,
        batch: u32,
        bytes: Vec<Vec<u8>>,
    ) -> Result<i8, TensorApiError> {
        let arguments = (program, operation, index, batch, bytes).encode();
        self.call("TensorApi_element", &arguments)
    }

    fn call<R: Decode>(&self, function: &str, arguments: &[u8]) -> R {
        let fetcher = WrappedRuntimeCode(Cow::Borrowed(&self.code));
        let code = RuntimeCode {
            code_fetcher: &fetcher,
            heap_pages: None,
            hash: self.hash.clone(),
        };
        let mut state = sp_state_machine::BasicExternalities::default();
        let context = CallContext::Offchain;
        let (result, _) = self
            .executor
            .call(&mut state, &code, function, arguments, context);
        Decode::decode(&mut &result.expect("the call runs")[..]).expect("the answer decodes")
    }
}

#[test]
fn the_referee_judges_in_wasm_as_it_does_natively() {
    let chain = Chain::new();
    for vector in vectors::all().unwrap() {
        let plan = Plan::new(vector.program.clone()).unwrap();
        let parameters: Vec<&[u8]> = vector.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = vector.inputs.iter().map(Vec::as_slice).collect();
        let mut trace = vector.trace.clone();
        let wrong_at = trace.len() - 1;
        trace[wrong_at] ^= 1;
        let outputs = plan.outputs(&trace, vector.batch).unwrap();
        let outputs: Vec<&[u8]> = outputs.iter().map(Vec::as_slice).collect();
        let hashes = |blobs: &[&[u8]]| blobs.iter().map(|blob| hash_bytes(blob)).collect();
        let claim = ClaimedHashes {
            batch: vector.batch,
            inputs: hashes(&inputs),
            outputs: hashes(&outputs),
            trace: hash_bytes(&trace),
        };
        let exhibits = Exhibits {
            plan: &plan,
            batch: vector.batch,
            parameters: &parameters,
            inputs: &inputs,
            trace: &trace,
            outputs: &outputs,
        };
        for index in 0..trace.len() {
            let accusation = Accusation::Element {
                operation: 0,
                index: index as u64,
            };
            let evidence = exhibits.evidence(&accusation).unwrap();
            let program = vector.program.encode();
            let native = mizan_protocol::api::judge(&program, &claim, &accusation, &evidence);
            let arguments = (program, &claim, accusation, evidence).encode();
            let in_wasm = chain.call("TensorApi_judge", &arguments);
            assert_eq!(native, in_wasm, "{}", vector.name);
            assert_eq!(in_wasm, Ok(index == wrong_at), "{}", vector.name);
        }
    }
}

#[test]
fn golden_vectors_hold_in_wasm() {
    let chain = Chain::new();
    for vector in vectors::all().unwrap() {
        let plan = Plan::new(vector.program.clone()).unwrap();
        for (index, expected) in (0u64..).zip(&vector.trace) {
            let opened = plan
                .spans(0, index, vector.batch)
                .unwrap()
                .into_iter()
                .map(|span| {
                    let tensor = match span.tensor {
                        TensorRef::Input(index) => &vector.inputs[usize::from(index)],
                        TensorRef::Parameter(index) => &vector.parameters[usize::from(index)],
                        TensorRef::Operation(_) => unreachable!("one operation reads no other"),
                    };
                    tensor[span.start as usize..][..span.length as usize].to_vec()
                });
            let value = chain.element(
                vector.program.encode(),
                0,
                index,
                vector.batch,
                opened.collect(),
            );
            assert_eq!(value, Ok(i8::from_le_bytes([*expected])), "{}", vector.name);
        }
    }
}

#[test]
fn element_api_says_what_is_wrong() {
    let chain = Chain::new();
    let vector = vectors::all().unwrap().remove(0);
    let program = vector.program.encode();
    let element = |program: &[u8], operation, index, bytes: Vec<Vec<u8>>| {
        chain.element(program.to_vec(), operation, index, 1, bytes)
    };
    assert_eq!(
        element(&[1, 2], 0, 0, vec![]),
        Err(TensorApiError::Undecodable)
    );
    let mut invalid = vector.program.clone();
    invalid.outputs.clear();
    assert_eq!(
        element(&invalid.encode(), 0, 0, vec![]),
        Err(TensorApiError::InvalidProgram)
    );
    assert_eq!(
        element(&program, 1, 0, vec![]),
        Err(TensorApiError::NoSuchElement)
    );
    assert_eq!(
        element(&program, 0, 1, vec![]),
        Err(TensorApiError::NoSuchElement)
    );
    assert_eq!(
        element(&program, 0, 0, vec![]),
        Err(TensorApiError::WrongBytes)
    );
    let short = vec![vec![], vec![0], vec![0; 16]];
    assert_eq!(
        element(&program, 0, 0, short),
        Err(TensorApiError::WrongBytes)
    );
}
