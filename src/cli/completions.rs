//! Completions for shells, made from the tables of commands and options.

use super::help::listed_for;
use super::normalise::{bad, shown};
use super::options::{Kind, LEVELS, OPTIONS, Opt, Scope, Value};
use super::verbs::{GROUP_ALIASES, GROUPS, VERBS};
use crate::error::Result;
use std::fmt::Write as _;

/// The script that teaches `shell` this program's words; for `source` or the directory of completions.
///
/// # Errors
/// [`crate::exit::Exit::BadConfig`] for a shell other than bash and zsh.
pub fn script(shell: &str) -> Result<String> {
    match shell {
        "bash" => Ok(format!(
            "# bash completion for repmgr and hg_repmgr\n{}complete -F _hg_repmgr repmgr hg_repmgr\n",
            function()
        )),
        // zsh reads bash's completions.
        "zsh" => Ok(format!(
            "#compdef repmgr hg_repmgr\n# zsh completion for repmgr and hg_repmgr\n\
             autoload -Uz bashcompinit && bashcompinit\n{}complete -F _hg_repmgr repmgr hg_repmgr\n",
            function()
        )),
        other => Err(bad(format!("no completions for \"{}\" (one of bash, zsh)", shown(other)))),
    }
}

fn function() -> String {
    let mut text = String::from(
        "_hg_repmgr() {\n    local cur=${COMP_WORDS[COMP_CWORD]} prev= group= verb= words= i=1 w\n    COMPREPLY=()\n    \
         (( COMP_CWORD > 0 )) && prev=${COMP_WORDS[COMP_CWORD-1]}\n    case $prev in\n",
    );
    values(&mut text);
    let takes: Vec<String> =
        OPTIONS.iter().filter(|o| matches!(o.value, Value::Required(_))).map(spellings).collect();
    let _ = write!(
        text,
        "    esac\n    while (( i < COMP_CWORD )); do\n        w=${{COMP_WORDS[i]}}\n        case $w in\n            \
         {}) (( i++ )) ;;\n            -*|repmgr) ;;\n            \
         *) if [[ -z $group ]]; then group=$w; elif [[ -z $verb ]]; then verb=$w; fi ;;\n        esac\n        \
         (( i++ ))\n    done\n    case \"$group $verb\" in\n",
        takes.join("|")
    );
    commands(&mut text);
    text.push_str("    esac\n    COMPREPLY=( $(compgen -W \"$words\" -- \"$cur\") )\n}\n");
    text
}

/// What may stand behind an option that takes a value.
fn values(text: &mut String) {
    for opt in OPTIONS {
        let Value::Required(kind) = opt.value else { continue };
        let reply = match kind {
            Kind::Text("DIR") => "COMPREPLY=( $(compgen -d -- \"$cur\") ); return".to_owned(),
            Kind::Text("FILE") => "COMPREPLY=( $(compgen -f -- \"$cur\") ); return".to_owned(),
            Kind::Choice(words) => {
                format!("COMPREPLY=( $(compgen -W \"{}\" -- \"$cur\") ); return", words.join(" "))
            }
            Kind::Level => {
                format!("COMPREPLY=( $(compgen -W \"{}\" -- \"$cur\") ); return", LEVELS.join(" "))
            }
            Kind::Text(_) | Kind::Number(..) | Kind::Delay => "return".to_owned(),
        };
        let _ = writeln!(text, "        {}) {reply} ;;", spellings(opt));
    }
}

fn spellings(opt: &Opt) -> String {
    opt.short.map_or_else(|| format!("--{}", opt.long), |s| format!("-{s}|--{}", opt.long))
}

/// What may stand where a word or an option is expected.
fn commands(text: &mut String) {
    let long = |o: &Opt| format!("--{}", o.long);
    let everywhere: Vec<String> =
        OPTIONS.iter().filter(|o| matches!(o.scope, Scope::All) && !o.help.is_empty()).map(long).collect();
    let everywhere = everywhere.join(" ");
    let groups: Vec<&str> = GROUPS.iter().map(|(g, _)| *g).collect();
    let _ = writeln!(text, "        \" \") words=\"{} {everywhere}\" ;;", groups.join(" "));
    for (group, _) in GROUPS {
        let aliases = GROUP_ALIASES.iter().filter(|(_, real)| real == group).map(|(alias, _)| *alias);
        let names: Vec<&str> = std::iter::once(*group).chain(aliases).collect();
        let verbs: Vec<&str> = VERBS.iter().filter(|v| v.group == *group).map(|v| v.word).collect();
        let start: Vec<String> = names.iter().map(|n| format!("\"{n} \"")).collect();
        let _ = writeln!(text, "        {}) words=\"{} {everywhere}\" ;;", start.join("|"), verbs.join(" "));
        for v in VERBS.iter().filter(|v| v.group == *group) {
            let own: Vec<String> = OPTIONS.iter().filter(|o| listed_for(o, v.verb)).map(long).collect();
            let whole: Vec<String> = names.iter().map(|n| format!("\"{n} {}\"", v.word)).collect();
            let _ =
                writeln!(text, "        {}) words=\"{} {everywhere}\" ;;", whole.join("|"), own.join(" "));
        }
    }
}
