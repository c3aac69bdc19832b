use super::*;
use mizan_tensor::requantise;
use std::ops::Range;

type Finish = fn(&Fields, &mut Piece<'_>, Option<&Table>) -> bool;

/// Every way of this machine to do it.
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut))]
fn ways() -> Vec<Finish> {
    let mut ways: Vec<Finish> = vec![|fields, piece, table| {
        fields.finish(piece, table);
        true
    }];
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") {
            ways.push(vectors::x86::finish_avx2);
        }
        let widest = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        if widest {
            ways.push(vectors::x86::finish_avx512);
        }
    }
    ways
}

/// Channels after which records are the same again: each multiplier has met each shift.
const PERIOD: usize = 9 * 63;

const BOUNDS: [i32; 9] = [i32::MIN, -(1 << 30), -257, -1, 0, 1, 255, 1 << 30, i32::MAX];

fn pick(index: usize) -> i32 {
    BOUNDS[index % BOUNDS.len()]
}

/// Records at all bounds, with every shift.
fn records(channels: Range<usize>) -> Vec<u8> {
    let mut records = Vec::new();
    for channel in channels {
        records.extend(pick(channel).to_le_bytes());
        records.extend(pick(channel / 9).to_le_bytes());
        records.extend([shift(channel), 0, 0, 0, 0, 0, 0, 0]);
    }
    records
}

/// Every one that there is, in neighbouring channels far apart.
fn shift(channel: usize) -> u8 {
    (channel * 5 % 63) as u8
}

/// What the definition makes of a sum of a channel of these records.
fn defined(channel: usize, sum: i32, offset: i32, table: Option<&Table>) -> i8 {
    let value = i64::from(sum) + i64::from(pick(channel)) - i64::from(offset);
    let value = requantise(value, pick(channel / 9), shift(channel));
    table.map_or(value, |table| table.get(value))
}

/// Numbers of channels around those of vectors; every shift; sums and records at all bounds.
#[test]
fn all_sums_are_finished_as_defined() {
    let table = Table::from_fn(|x| x.wrapping_mul(7) ^ 0x55);
    for n in [1, 7, 8, 31, 32, 33, 64, 65, 130, 1_100] {
        let offsets: Vec<i32> = (0..n).map(|channel| pick(channel / 3)).collect();
        for rows in [1, 3, 35] {
            let sums: Vec<i32> = (0..rows * n)
                .map(|index| pick(index / 2 + index / n))
                .collect();
            let channels = Channels::decode(&records(0..n), &offsets);
            for table in [None, Some(&table)] {
                let mut output = vec![0; rows * n];
                // In two parts, as two bands would.
                let half = (n / 2).next_multiple_of(CHANNELS_AT_ONCE).min(n);
                for part in [0..half, half..n]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                {
                    let rows = sums.chunks(n).flat_map(|row| &row[part.clone()]);
                    let sums: Vec<i32> = rows.copied().collect();
                    let output = &mut output[part.start..];
                    channels.finish_all((part.start, part.len()), &sums, table, output, n);
                }
                for (index, out) in output.into_iter().enumerate() {
                    let channel = index % n;
                    let right = defined(channel, sums[index], offsets[channel], table);
                    assert_eq!(out as i8, right, "channel {channel} of {n}");
                }
            }
        }
    }
}

/// Every way, with every number of channels, between bytes that are not its own.
#[test]
fn each_way_writes_what_is_defined_and_nothing_else() {
    let table = Table::from_fn(|x| x.wrapping_mul(11) ^ 0x2a);
    let (rows, stride) = (5, 40);
    let sums: Vec<Sums> = (0..rows)
        .map(|row| Sums(std::array::from_fn(|at| pick(row * 7 + at * at + at / 5))))
        .collect();
    let widths = || (1..=32).flat_map(|width| [(width, None), (width, Some(&table))]);
    let starts = |way| (0..PERIOD).step_by(32).map(move |first| (way, first));
    for (finish, first) in ways().into_iter().flat_map(starts) {
        for (width, table) in widths() {
            let channels = Channels::decode(&records(first..first + width), &[]);
            let mut output = vec![0xa5; rows * stride];
            let mut piece = Piece {
                sums: &sums,
                channel: 0,
                width,
                output: &mut output,
                stride,
            };
            assert!(finish(&channels.groups[0], &mut piece, table));
            for (index, out) in output.into_iter().enumerate() {
                let (row, channel) = (index / stride, index % stride);
                let right = match channel < width {
                    true => defined(first + channel, sums[row].0[channel], 0, table),
                    false => 0xa5u8 as i8,
                };
                assert_eq!(out as i8, right, "channel {channel} of {width}");
            }
        }
    }
}
