//! `mizan-worker bench`.

use anyhow::Result;
use mizan_client::units;
use mizan_worker::{
    bench::{self, earnings::Prices, Computer, Report},
    settings::Settings,
};
use serde_json::{json, Value};
use std::io::{self, Write};

/// Measures what computes jobs here, and says what that earns.
pub(crate) async fn bench(settings: &Settings, as_json: bool, out: &mut impl Write) -> Result<()> {
    let report = bench::measure(settings).await?;
    match as_json {
        true => writeln!(out, "{}", object(&report))?,
        false => write(&report, out)?,
    }
    Ok(())
}

fn object(report: &Report) -> Value {
    let computers: Vec<_> = report.computers.iter().map(computer_object).collect();
    let speed = report.macs_per_second();
    let (prices, unknown) = match &report.prices {
        Ok(prices) => (earnings_object(prices, speed), Value::Null),
        Err(error) => (Value::Null, json!(error.to_string())),
    };
    json!({
        "computers": computers,
        "macs_per_second": speed.to_string(),
        "result_bytes_per_second": report.result_bytes_per_second().to_string(),
        "earnings": prices,
        "earnings_unknown": unknown,
    })
}

fn computer_object(computer: &Computer) -> Value {
    let (speeds, fault) = match &computer.speeds {
        Ok(speeds) => (&speeds[..], None),
        Err(fault) => (&[][..], Some(fault)),
    };
    let speeds = speeds.iter().map(|speed| {
        json!({
            "what": speed.what,
            "macs_per_second": speed.macs_per_second.to_string(),
            "of_ceiling": computer.share(speed.macs_per_second),
        })
    });
    json!({
        "name": computer.name,
        "ceiling": computer.ceiling.map(|ceiling| ceiling.to_string()),
        "speeds": speeds.collect::<Vec<_>>(),
        "fault": fault,
    })
}

fn earnings_object(prices: &Prices, speed: u128) -> Value {
    let at = |price: u128| {
        json!({
            "price": price.to_string(),
            "an_hour": prices.an_hour(speed, price).to_string(),
        })
    };
    json!({
        "at_least_price": at(prices.least),
        "at_ask": prices.ask.map(at),
        "at_median_paid": prices.paid.map(|paid| at(paid.median)),
        "settled_jobs": prices.paid.map_or(0, |paid| paid.jobs),
        "settled_macs_an_hour": prices.paid.and_then(|paid| paid.macs_an_hour).map(text),
        "bond_backs_an_hour": prices.backed_an_hour.map(|backed| text(prices.of(backed))),
    })
}

fn text(number: u128) -> String {
    number.to_string()
}

fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    for computer in &report.computers {
        write_computer(computer, out)?;
    }
    let speed = report.macs_per_second();
    let megabytes = report.result_bytes_per_second() / 1_000_000;
    writeln!(
        out,
        "all of that makes {megabytes} MB of results a second, to be sent to blob servers before they \
         are paid: a slower line computes less"
    )?;
    match &report.prices {
        Ok(prices) => write_earnings(prices, speed, out),
        Err(error) => writeln!(
            out,
            "earnings: not known, for the node can't be asked: {error}"
        ),
    }
}

fn write_computer(computer: &Computer, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", computer.name)?;
    if let Some(ceiling) = computer.ceiling {
        writeln!(
            out,
            "  {:<42} {:>12} CU/s",
            "ceiling of its hardware",
            rate(ceiling)
        )?;
    }
    match &computer.speeds {
        Err(fault) => writeln!(out, "  computes nothing: {fault}"),
        Ok(speeds) => speeds.iter().try_for_each(|speed| {
            let share = computer.share(speed.macs_per_second);
            let share = share.map(|share| format!("   {:.0} % of its ceiling", 100.0 * share));
            let (what, rate) = (&speed.what, rate(speed.macs_per_second));
            writeln!(
                out,
                "  {what:<42} {rate:>12} CU/s{}",
                share.unwrap_or_default()
            )
        }),
    }
}

fn write_earnings(prices: &Prices, speed: u128, out: &mut impl Write) -> io::Result<()> {
    let units = rate(speed);
    writeln!(
        out,
        "an hour of {units} CU/s without a pause, if there are jobs for it, earns"
    )?;
    let mut line = |what: String, price: u128| {
        let (price, earned) = (units::format_amount(price), prices.an_hour(speed, price));
        let earned = units::format_amount(earned);
        writeln!(out, "  at {what}, {price} a compute unit: {earned}")
    };
    line("the chain's least price".into(), prices.least)?;
    if let Some(ask) = prices.ask {
        line("this worker's ask".into(), ask)?;
    }
    let Some(paid) = prices.paid else {
        return writeln!(
            out,
            "  none of the newest jobs has settled: there is no market price"
        );
    };
    line(
        format!("the median of the {} jobs that settled last", paid.jobs),
        paid.median,
    )?;
    if let Some(macs) = paid.macs_an_hour {
        let macs = units::format_compute_units(macs);
        writeln!(
            out,
            "all workers together computed {macs} an hour for these jobs"
        )?;
    }
    if let Some(backed) = prices.backed_an_hour {
        let most = units::format_amount(prices.of(backed));
        writeln!(out, "the provider's free bond backs at most {most} an hour")?;
    }
    Ok(())
}

/// Compute units to three digits after the point.
fn rate(macs: u128) -> String {
    let thousandths = macs / 1_000_000;
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_client::{units::UNIT, ClientError};
    use mizan_worker::bench::{earnings::Paid, Speed};

    fn computer(name: &str, ceiling: Option<u128>, macs_per_second: u128) -> Computer {
        Computer {
            name: name.into(),
            ceiling,
            speeds: Ok(vec![Speed {
                what: "job of 4 layers".into(),
                macs_per_second,
                result_bytes_per_second: Some(macs_per_second / 1_000),
            }]),
        }
    }

    fn report(prices: Result<Prices, ClientError>) -> Report {
        let broken = Computer {
            name: "GPU 1".into(),
            ceiling: None,
            speeds: Err("it is lost".into()),
        };
        let giga = 1_000_000_000;
        Report {
            computers: vec![
                computer("processor", None, 500_000_000),
                computer("GPU 0", Some(200 * giga), 150 * giga),
                broken,
                computer("GPU 2", None, 50 * giga),
            ],
            prices,
        }
    }

    fn prices(paid: Option<Paid>) -> Prices {
        Prices {
            least: UNIT / 1_000_000,
            ask: paid.map(|_| UNIT / 1_000),
            paid,
            backed_an_hour: paid.map(|_| 100 * UNIT),
            received: 890_000_000,
        }
    }

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn owners_see_speeds_ceilings_faults_and_what_all_gpus_together_earn() {
        let paid = Paid {
            jobs: 37,
            median: UNIT / 500,
            macs_an_hour: Some(5_000_000_000_000),
            locked_blocks: 20,
            lock_ratio: 1,
        };
        insta::assert_snapshot!(written(&report(Ok(prices(Some(paid))))));
    }

    #[test]
    fn without_settled_jobs_or_a_node_the_earnings_say_so() {
        insta::assert_snapshot!(written(&report(Ok(prices(None)))));
        let error = ClientError::Unexpected("nothing".into());
        let report = report(Err(error));
        let text = written(&report);
        assert!(
            text.contains("earnings: not known, for the node can't be asked: "),
            "{text}"
        );
        assert!(object(&report)["earnings"].is_null());
    }

    #[test]
    fn json_has_numbers_as_text_and_shares_as_fractions() {
        let object = object(&report(Ok(prices(None))));
        assert_eq!(object["macs_per_second"], "200000000000");
        assert_eq!(object["result_bytes_per_second"], "200000000");
        assert_eq!(object["computers"][1]["ceiling"], "200000000000");
        assert_eq!(object["computers"][1]["speeds"][0]["of_ceiling"], 0.75);
        assert_eq!(object["computers"][2]["fault"], "it is lost");
        // 200 compute units for 3,600 seconds at a millionth, 89 % of it.
        let hour = 200 * 3_600 * (UNIT / 1_000_000) * 89 / 100;
        let earnings = &object["earnings"];
        assert_eq!(earnings["at_least_price"]["an_hour"], hour.to_string());
        assert!(earnings["at_ask"].is_null() && earnings["bond_backs_an_hour"].is_null());
    }
}
