//! Figures beside the original's, by `make bench`; never an assertion on a time.

use crate::cluster::{Host, Lab, PgOptions, Program, exec};
use serde_json::{Value, json};

/// Runs of each fast command; the median counts.
const RUNS: usize = 20;

/// Runs of a command that waits for a node which does not answer.
const SLOW_RUNS: usize = 3;

/// One line of the table: what, in which unit, ours, the original's, the limit we have set ourselves.
struct Figure {
    what: &'static str,
    unit: &'static str,
    ours: f64,
    original: f64,
    limit: Option<f64>,
}

#[test]
#[ignore = "figures, not a test: make bench"]
fn figures_beside_the_original() {
    let (ours, original) = (Program::under_test(), Program::original());
    let lab = Lab::new(3);
    let primary = lab.host(1).init_primary(&PgOptions::default());
    primary.write_conf("");
    primary.original(&["primary", "register"]).ok();
    for n in [2, 3] {
        let standby = lab.host(n).join(primary);
        standby.write_conf("");
        standby.catch_up(primary);
        standby.original(&["standby", "register"]).ok();
    }
    let both = [primary.path("bin/repmgr"), original.0.to_str().unwrap().to_owned()];
    let conf = primary.conf_path();
    let mut figures = Vec::new();
    let mut add = |what, unit, limit, measure: &dyn Fn(&str) -> f64| {
        let [ours, original] = [measure(&both[0]), measure(&both[1])];
        figures.push(Figure { what, unit, ours, original, limit });
    };
    let timed = |runs, args: &'static str| {
        let conf = conf.clone();
        move |program: &str| milliseconds(primary, runs, &format!("{program} -f {conf} {args}"))
    };
    let memory = |args: &'static str| {
        let conf = conf.clone();
        move |program: &str| megabytes(primary, &format!("{program} -f {conf} {args}"))
    };
    add("--version", "ms", Some(5.0), &timed(RUNS, "--version"));
    add("cluster show, three nodes", "ms", None, &timed(RUNS, "cluster show"));
    add("node status", "ms", None, &timed(RUNS, "node status"));
    add("node check", "ms", None, &timed(RUNS, "node check"));
    add("cluster show, peak memory", "MB", Some(16.0), &memory("cluster show"));
    add("node check, peak memory", "MB", Some(16.0), &memory("node check"));
    lab.black_hole(lab.host(3));
    add("cluster show, one node black-holed", "ms", Some(2500.0), &timed(SLOW_RUNS, "cluster show"));
    let size = |program: &Program| std::fs::metadata(&program.0).unwrap().len() as f64 / 1e6;
    figures.push(Figure {
        what: "size of the program",
        unit: "MB",
        ours: size(&ours),
        original: size(&original),
        limit: Some(6.0),
    });
    print(&figures);
}

/// The median time of a command line on a host, measured there, so that the way in does not count.
fn milliseconds(host: &Host, runs: usize, line: &str) -> f64 {
    let script = format!(
        "for run in $(seq {runs}); do a=${{EPOCHREALTIME/[.,]/}}; {line} >/dev/null 2>&1
         b=${{EPOCHREALTIME/[.,]/}}; echo $((b - a)); done"
    );
    let out = host.command(&["bash", "-c", &script]).run().ok().stdout;
    let mut micros: Vec<f64> = out.lines().map(|line| line.parse().unwrap()).collect();
    micros.sort_by(f64::total_cmp);
    micros[micros.len() / 2] / 1000.0
}

/// The most memory a command line had at any time.
fn megabytes(host: &Host, line: &str) -> f64 {
    let out = host.shell(&format!("/usr/bin/time -f %M -- {line} 2>&1 >/dev/null | tail -1"));
    out.stdout.trim().parse::<f64>().unwrap_or(f64::NAN) / 1000.0
}

fn print(figures: &[Figure]) {
    let limit = |figure: &Figure| figure.limit.map_or_else(String::new, |l| format!("{l} {}", figure.unit));
    println!("{:<36} {:>12} {:>12} {:>10}", "", "ours", "original", "limit");
    for figure in figures {
        let Figure { what, unit, ours, original, .. } = figure;
        println!("{what:<36} {ours:>9.2} {unit} {original:>9.2} {unit} {:>10}", limit(figure));
    }
    let rows: Vec<Value> = figures
        .iter()
        .map(|f| json!({"what": f.what, "unit": f.unit, "ours": f.ours, "original": f.original, "limit": f.limit}))
        .collect();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench.json");
    let machine = exec::run(&["uname", "-srm"]).stdout.trim().to_owned();
    std::fs::write(file, format!("{:#}\n", json!({"machine": machine, "figures": rows}))).unwrap();
    println!("as JSON: {file}");
}
