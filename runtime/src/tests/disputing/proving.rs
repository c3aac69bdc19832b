//! Fraud proofs: which convict, and which only cost.

use super::*;

#[test]
fn every_wrong_number_of_the_trace_convicts() {
    for at in 0..(6 * BATCH as usize) {
        on_chain(|| {
            let trial = Trial::wrong(at);
            let operation = u16::from(at >= 3 * BATCH as usize);
            let index = (at % (3 * BATCH as usize)) as u64;
            let accusation = Accusation::Element { operation, index };
            let info = trial.accuse(Dave, accusation).expect("it is proved");
            assert_eq!(info.pays_fee, Pays::No);
            let conviction = trial.conviction();
            assert_eq!(conviction.grounds, Grounds::Wrong(accusation));
            assert_eq!(conviction.challenger, Some(id(Dave)));
        });
    }
}

#[test]
fn right_numbers_convict_nobody_and_the_accusation_costs_its_deposit() {
    on_chain(|| {
        let trial = Trial::right();
        for operation in 0..2 {
            for index in 0..u64::from(3 * BATCH) {
                let accusation = Accusation::Element { operation, index };
                assert_flawed(Flaw::NothingWrong, Dave, || trial.accuse(Dave, accusation));
            }
        }
        let accusation = Accusation::Output {
            output: 1,
            index: 2,
        };
        assert_flawed(Flaw::NothingWrong, Dave, || trial.accuse(Dave, accusation));
    });
}

#[test]
fn only_the_first_of_two_proofs_in_one_block_convicts() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        let before = wealth(Eve);
        assert_ok!(trial.accuse(Dave, FIRST));
        assert_noop!(
            trial.accuse(Eve, FIRST).map_err(|error| error.error),
            DisputesError::AlreadyConvicted
        );
        assert_eq!(trial.conviction().challenger, Some(id(Dave)));
        assert_eq!(wealth(Eve), before);
    });
}

#[test]
fn places_that_do_not_exist_are_flaws() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        let evidence = trial.evidence(FIRST);
        let length = u64::from(3 * BATCH);
        for accusation in [
            Accusation::Element {
                operation: 2,
                index: 0,
            },
            Accusation::Element {
                operation: 0,
                index: length,
            },
            Accusation::Element {
                operation: 0,
                index: u64::MAX,
            },
            Accusation::Output {
                output: 2,
                index: 0,
            },
            Accusation::Output {
                output: 0,
                index: length,
            },
            Accusation::Length {
                blob: BlobRef::Output(2),
                length: 1,
            },
        ] {
            let evidence = evidence.clone();
            assert_flawed(Flaw::NoSuchPlace, Dave, || {
                trial.accuse_with(Dave, accusation, evidence)
            });
        }
    });
}

#[test]
fn evidence_of_the_wrong_length_is_a_flaw() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        let evidence = trial.evidence(FIRST);
        let longer = [evidence.as_slice(), &[0]].concat();
        let maximal = vec![0; mizan_tensor::MAX_EVIDENCE_BYTES as usize];
        for wrong in [Vec::new(), evidence[..evidence.len() - 1].to_vec(), longer] {
            assert_flawed(Flaw::WrongEvidenceLength, Dave, || {
                trial.accuse_with(Dave, FIRST, wrong)
            });
        }
        assert_flawed(Flaw::WrongHash, Dave, || {
            trial.accuse_with(Dave, FIRST, maximal)
        });
    });
}

#[test]
fn evidence_of_another_place_or_job_is_a_flaw() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        let second = Accusation::Element {
            operation: 1,
            index: 0,
        };
        // The bytes of the two operations are of different numbers and lengths.
        let evidence = trial.evidence(second);
        assert_flawed(Flaw::WrongHash, Dave, || {
            trial.accuse_with(Dave, FIRST, evidence)
        });
        let evidence = trial.evidence(FIRST);
        let mut other = Trial::assigned();
        other.trace[1] ^= 1;
        other.outputs = other
            .plan
            .outputs(&other.trace, BATCH)
            .expect("it is whole");
        other.claim();
        assert_flawed(Flaw::WrongHash, Dave, || {
            other.accuse_with(Dave, FIRST, evidence)
        });
    });
}

#[test]
fn operands_in_the_wrong_order_are_a_flaw() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        let evidence = trial.evidence(FIRST);
        // Each blob here is one chunk: input of 16 bytes, weights of 24.
        let (input, rest) = evidence.split_at(16);
        let (weights, rest) = rest.split_at(24);
        let swapped = [weights, input, rest].concat();
        assert_flawed(Flaw::WrongHash, Dave, || {
            trial.accuse_with(Dave, FIRST, swapped)
        });
    });
}

#[test]
fn an_output_that_differs_from_the_trace_convicts() {
    on_chain(|| {
        provide(Charlie, BOND, 1);
        let mut trial = Trial::assigned();
        trial.outputs[1][4] ^= 64;
        trial.claim();
        let right = Accusation::Output {
            output: 1,
            index: 3,
        };
        assert_flawed(Flaw::NothingWrong, Dave, || trial.accuse(Dave, right));
        let wrong = Accusation::Output {
            output: 1,
            index: 4,
        };
        assert_ok!(trial.accuse(Dave, wrong));
        assert_eq!(trial.conviction().grounds, Grounds::Wrong(wrong));
    });
}

#[test]
fn a_blob_of_the_wrong_length_convicts() {
    for extra in [true, false] {
        on_chain(|| {
            provide(Charlie, BOND, 1);
            let mut trial = Trial::assigned();
            if extra {
                trial.trace.push(0);
            } else {
                trial.trace.pop();
            }
            trial.claim();
            let length = trial.trace.len() as u64;
            let accusation = Accusation::Length {
                blob: BlobRef::Trace,
                length,
            };
            // An honest length is no fraud, nor is a length that the blob does not have.
            let right = Accusation::Length {
                blob: BlobRef::Trace,
                length: u64::from(6 * BATCH),
            };
            let trace = trial.trace.clone();
            assert_flawed(Flaw::NothingWrong, Dave, || {
                trial.accuse_with(Dave, right, trace)
            });
            assert_ok!(trial.accuse(Dave, accusation));
            assert_eq!(trial.conviction().grounds, Grounds::Wrong(accusation));
        });
    }
}

#[test]
fn lengths_of_inputs_are_nobodys_claim() {
    on_chain(|| {
        let trial = Trial::right();
        let accusation = Accusation::Length {
            blob: BlobRef::Input(0),
            length: 1,
        };
        assert_flawed(Flaw::NothingWrong, Dave, || {
            trial.accuse_with(Dave, accusation, vec![0])
        });
    });
}

#[test]
fn nothing_can_be_proved_before_a_claim_or_after_settlement() {
    on_chain(|| {
        let error = |result: DispatchResultWithPostInfo| result.map_err(|error| error.error);
        let submit =
            |job| Disputes::submit_fraud_proof(signed(Dave), job, FIRST, Default::default());
        assert_noop!(error(submit(0)), DisputesError::JobUnknown);
        let trial = Trial::right();
        let other = Trial::assigned();
        assert_noop!(error(submit(other.job)), DisputesError::NotAttested);
        run_to(trial.case().settles_time + 1);
        while !trial.is_settled() {
            pass(1);
        }
        assert_noop!(error(submit(trial.job)), DisputesError::Over);
    });
}

#[test]
fn who_cannot_pay_the_deposit_is_not_heard() {
    on_chain(|| {
        let trial = Trial::wrong(0);
        let rest = economics().proof_deposit + crate::EXISTENTIAL_DEPOSIT - 1;
        let to = id(Alice).into();
        assert_ok!(Balances::transfer_keep_alive(
            signed(Eve),
            to,
            free(Eve) - rest
        ));
        assert_noop!(
            trial.accuse(Eve, FIRST).map_err(|error| error.error),
            DisputesError::BalanceTooLow
        );
    });
}

/// What a worker's key signs when it attests, and the signature.
fn signed_attestation(who: Sr25519Keyring, attest: Attest) -> (Vec<u8>, crate::Signature) {
    let mut payload = attest.call().encode();
    // What extensions add: anything, as far as the attestation is concerned.
    payload.extend([7; 120]);
    let signature = if payload.len() > 256 {
        who.sign(&sp_io::hashing::blake2_256(&payload))
    } else {
        who.sign(&payload)
    };
    (payload, signature.into())
}

fn accuse_of_second(
    trial: &Trial,
    (payload, signature): (Vec<u8>, crate::Signature),
) -> DispatchResultWithPostInfo {
    let payload = payload.try_into().expect("it is short");
    Disputes::submit_second_attestation(signed(Dave), trial.job, payload, signature)
}

#[test]
fn a_second_attestation_of_one_assignment_convicts() {
    on_chain(|| {
        provide(Charlie, BOND, 1);
        let mut trial = Trial::assigned();
        let first = trial.attestation();
        trial.trace[0] ^= 1;
        let second = signed_attestation(Charlie, trial.attestation());
        pass(1);
        assert_ok!(first.dispatch_as(Charlie));
        assert_ok!(accuse_of_second(&trial, second));
        assert_eq!(trial.conviction().grounds, Grounds::SecondAttestation);
    });
}

#[test]
fn attestations_of_others_of_other_assignments_and_the_same_again_convict_nobody() {
    on_chain(|| {
        provide(Charlie, BOND, 1);
        let trial = Trial::assigned();
        let same = signed_attestation(Charlie, trial.attestation());
        let by_another = signed_attestation(Eve, trial.attestation());
        let of = |change: fn(&mut Attest)| {
            let mut attest = trial.attestation();
            attest.trace = H256([1; 32]);
            change(&mut attest);
            signed_attestation(Charlie, attest)
        };
        let other_block = of(|attest| attest.block = H256([2; 32]));
        let other_job = of(|attest| attest.job += 1);
        let mut no_attestation =
            (RuntimeCall::Providers(pallet_providers::Call::heartbeat {})).encode();
        no_attestation.extend([7; 120]);
        let signature = Charlie.sign(&no_attestation).into();
        let no_attestation = (no_attestation, signature);
        trial.claim();
        for (flaw, signed) in [
            (Flaw::NothingWrong, same),
            (Flaw::NotSigned, by_another),
            (Flaw::OtherAssignment, other_block),
            (Flaw::OtherAssignment, other_job),
            (Flaw::NotSigned, no_attestation),
            (Flaw::NotSigned, (Vec::new(), Charlie.sign(&[]).into())),
        ] {
            assert_flawed(flaw, Dave, || accuse_of_second(&trial, signed));
        }
    });
}
