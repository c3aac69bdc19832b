use super::*;
use mizan_tensor::requantise;

const SEED: [u8; 32] = [3; 32];
const N: usize = 70;
const K: usize = 19;
const ROWS: usize = 1_500;

struct Case {
    input: Vec<u8>,
    weights: Vec<u8>,
    channels: Vec<u8>,
    table: Table,
    accumulators: Vec<i32>,
    output: Vec<u8>,
}

impl Case {
    /// By the definition, over more rows than a block has.
    fn new() -> Self {
        let byte = |at: usize| (at.wrapping_mul(0x9e37_79b9) >> 13) as u8;
        let input: Vec<u8> = (0..ROWS * K).map(byte).collect();
        let weights: Vec<u8> = (0..N * K).map(|at| byte(at + 5_555)).collect();
        let record = |n: usize| {
            let mut record = [0; 16];
            record[..4].copy_from_slice(&(3_000 - 90 * n as i32).to_le_bytes());
            record[4..8].copy_from_slice(&(40 + n as i32).to_le_bytes());
            record[8] = 14;
            record
        };
        let table = Table::from_fn(|x| x.wrapping_mul(5) ^ 0x33);
        let mut accumulators = Vec::new();
        let mut output = Vec::new();
        for row in input.chunks(K) {
            for (n, weights) in weights.chunks(K).enumerate() {
                let products = row.iter().zip(weights);
                let sum: i32 = products
                    .map(|(x, w)| i32::from(*x as i8) * i32::from(*w as i8))
                    .sum();
                let value = i64::from(sum) + i64::from(3_000 - 90 * n as i32);
                let value = requantise(value, 40 + n as i32, 14);
                accumulators.push(sum);
                output.push(table.get(value) as u8);
            }
        }
        Self {
            channels: (0..N).flat_map(record).collect(),
            input,
            weights,
            table,
            accumulators,
            output,
        }
    }

    fn verdict(&self, accumulators: &[i32], output: &[u8]) -> Result<(), LinearFault> {
        let table = Some(&self.table);
        let audit = LinearAudit::new(&self.weights, &self.channels, table, &SEED).unwrap();
        assert!(audit.check.rows_per_block() < ROWS);
        audit.verify(&self.input, accumulators, output)
    }
}

#[test]
fn right_output_with_right_advice_is_accepted() {
    let case = Case::new();
    assert_eq!(case.verdict(&case.accumulators, &case.output), Ok(()));
}

#[test]
fn the_first_wrong_byte_is_named_with_its_right_value() {
    let case = Case::new();
    let mut output = case.output.clone();
    for index in [ROWS * N - 1, 700 * N + 13, 0] {
        output[index] ^= 0x80;
        let right = case.output[index] as i8;
        let fault = LinearFault::Output { index, right };
        assert_eq!(case.verdict(&case.accumulators, &output), Err(fault));
    }
}

#[test]
fn bad_advice_never_speaks_against_the_output() {
    let case = Case::new();
    let mut advice = case.accumulators.clone();
    let row = ROWS - 1;
    advice[row * N] += 1 << 12;
    let refused = Err(AdviceError::WrongRow { row }.into());
    assert_eq!(case.verdict(&advice, &case.output), refused);
    // Nor does it hide a wrong output that would follow from it.
    let mut output = case.output.clone();
    let audit = Requantiser::new(&case.channels, Some(&case.table));
    audit.finish(&advice, &mut output);
    assert_ne!(output, case.output);
    assert_eq!(case.verdict(&advice, &output), refused);
}

#[test]
fn an_output_of_another_length_is_refused() {
    let case = Case::new();
    let refused = Err(AdviceError::WrongLength.into());
    assert_eq!(case.verdict(&case.accumulators, &case.output[N..]), refused);
    assert_eq!(case.verdict(&case.accumulators[N..], &case.output), refused);
}
