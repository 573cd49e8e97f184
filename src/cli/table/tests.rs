use super::*;

#[test]
fn cluster_show_is_drawn_as_repmgr_draws_it() {
    let mut t = Table::new(["ID", "Name", "Role", "Status", "Upstream", "Location", "Prio.", "TLI"]);
    t.row(["1", "h1", "primary", "* running", "", "default", "100", "1"]);
    t.row(["2", "h2", "standby", "  running", "h1", "default", "100", "1"]);
    let want = [
        " ID | Name | Role    | Status    | Upstream | Location | Prio. | TLI",
        "----+------+---------+-----------+----------+----------+-------+-----",
        " 1  | h1   | primary | * running |          | default  | 100   | 1   ",
        " 2  | h2   | standby |   running | h1       | default  | 100   | 1   ",
        "",
    ];
    assert_eq!(t.text_padded(Colour::Off), want.join("\n"));
}

#[test]
fn a_short_heading_over_long_fields_is_filled_up_and_the_last_field_too() {
    let mut t = Table::new(["Node ID", "Timestamp"]);
    t.row(["3", "2026-11-21 00:35:31"]);
    let want =
        " Node ID | Timestamp          \n---------+---------------------\n 3       | 2026-11-21 00:35:31\n";
    assert_eq!(t.text(Colour::Off), want);
}

#[test]
fn a_matrix_has_a_space_behind_each_row_only() {
    let mut t = Table::new(["Name", "ID", "1", "2"]);
    t.row(["h1", "1", "*", "*"]);
    assert_eq!(t.text_padded(Colour::Off), " Name | ID | 1 | 2\n------+----+---+---\n h1   | 1  | * | * \n");
}

#[test]
fn wide_names_keep_the_columns_straight() {
    let mut t = Table::new(["Name", "Role"]);
    t.row(["节点一", "primary"]);
    t.row(["n2", "standby"]);
    let want = " Name   | Role   \n--------+---------\n 节点一 | primary\n n2     | standby\n";
    assert_eq!(t.text(Colour::Off), want);
}

#[test]
fn colour_surrounds_the_field_and_changes_no_width() {
    let mut t = Table::new(["Status"]);
    t.row([Cell::painted("- failed", Paint::Bad)]);
    t.row([Cell::painted("* ok", Paint::Good)]);
    let on = t.text(Colour::On);
    assert!(on.contains("\x1b[31m- failed\x1b[0m\n") && on.contains("\x1b[32m* ok    \x1b[0m\n"), "{on:?}");
    let plain: String = on.replace("\x1b[31m", "").replace("\x1b[32m", "").replace("\x1b[0m", "");
    assert_eq!(plain, t.text(Colour::Off));
}

#[test]
fn a_field_cannot_break_a_line_or_command_the_terminal() {
    let mut t = Table::new(["Name"]);
    t.row(["a\nb\x1b[2J"]);
    assert_eq!(t.text(Colour::Off), " Name   \n---------\n a b [2J\n");
    assert_eq!(csv(["a\nb", "c"]), "a b,c\n");
}

#[test]
fn rows_are_cut_and_filled_to_the_headings() {
    let mut t = Table::new(["A", "B"]);
    t.row(["1"]);
    t.row(["1", "2", "3"]);
    assert_eq!(t.text(Colour::Off), " A | B\n---+---\n 1 |  \n 1 | 2\n");
}

#[test]
fn csv_lines_are_those_of_repmgr() {
    assert_eq!(csv(["1", "0", "-1"]), "1,0,-1\n");
    assert_eq!(csv_quoted(["Node name", "h1"]), "\"Node name\",\"h1\"\n");
    assert_eq!(
        csv_quoted(["Configured data directory", "OK", "configured \"data_directory\" is \"/d\""]),
        "\"Configured data directory\",\"OK\",\"configured \"data_directory\" is \"/d\"\"\n",
        "repmgr does not double the quotes inside"
    );
    assert_eq!(csv_number("max_wal_senders", 10), "\"max_wal_senders\",10\n");
}

#[test]
fn the_event_list_ends_with_an_empty_line() {
    let mut t = Table::new(["A"]);
    t.row(["1"]);
    assert_eq!(t.text_with_blank(Colour::Off), " A\n---\n 1\n\n");
}
