//! The sections of the manual pages that no table holds.

pub(super) const HEAD: &str = r#".\" Made from the tables of commands and options; do not edit.
.Dd January 1, 2026
.Dt REPMGR 1
.Os
.Sh NAME
.Nm repmgr
.Nd set up and look at a cluster of PostgreSQL servers
.Sh SYNOPSIS
.Nm
.Op Ar OPTION ...
.Ar GROUP
.Ar COMMAND
.Op Ar OPTION ...
.Nm
.Fl \-help | Fl \-version | Fl \-version\-number
.Nm
.Op Fl f Ar FILE
.Fl \-dump\-config
.Op Fl \-json
.Sh DESCRIPTION
.Nm
registers PostgreSQL servers as the nodes of a cluster, makes standbys by
copying, and shows and checks the state of replication.
It is one of the names of the program
.Xr hg_repmgr 1
and takes the place of repmgr 4 and 5 and of HighGo's hg_repmgr: the same
commands, configuration file, metadata and exit codes.
.Pp
This version has the commands below.
Switchover and the daemon repmgrd are not in it yet; the original does
these on the same metadata.
.Pp
Each node has a configuration file that says who it is; see
.Xr repmgr.conf 5 .
The nodes and what happened to them are kept in schema
.Sq repmgr
of a database that is replicated along with the rest.
.Pp
Options are accepted before, between and behind the words of a command.
A long option may be shortened as long as only one fits.
An optional value is given with
.Sq =
only.
An option that a command has no use for is a warning.
.Fl h
names a host; for help there is
.Fl \-help .
.Pp
Tables and data go to standard output, messages to standard error, each as
.Sq LEVEL: text
with lines
.Li DETAIL
and
.Li HINT
where there is more to say.
"#;

pub(super) const MIDDLE: &str = r#".Sh STATES
What
.Ic cluster show
says of a node:
.Bl -tag -width "! running as primary" -compact
.It Li "* running"
A primary that runs and is registered as one.
.It Li "  running"
A standby that runs and is registered as one.
.It Li "\- failed"
It cannot be reached, and its record is inactive.
.It Li "? unreachable"
It cannot be reached, though its record is active.
.It Li "? running"
It runs but takes no connections now: it starts or stops.
.It Li "! running"
It runs, though its record is inactive or it rejects connections.
.It Li "! running as primary"
It is registered as a standby and runs as a primary.
.It Li "! running as standby"
It is registered as a primary and runs as a standby.
.It Li "? rejected" , "! failed"
A witness server that takes no connections, or that cannot be reached while its
record is inactive.
.It Li "! unknown"
The type in its record is not known.
.El
.Pp
Before the name of an upstream,
.Sq \&?
means that the upstream cannot be asked, and
.Sq \&!
that the node is not attached to it.
.Sh ENVIRONMENT
.Bl -tag -width Ds
.It Ev HG_REPMGR_CONF
The configuration file, where
.Fl f
does not name one.
.It Ev HGDB_HOME , PGHOME
Installations of a server:
.Pa conf/hg_repmgr.conf
is looked for there.
.It Ev PGHOST , PGPORT , PGUSER , PGDATABASE , PGSSLMODE No and so on
What a connection string leaves open, as with
.Xr psql 1 .
.It Ev PGPASSWORD , PGPASSFILE
The password, and the file of passwords.
.It Ev PGSERVICE , PGSERVICEFILE , PGSYSCONFDIR
The service, and where services are defined.
.It Ev PATH
Where programs are looked for that
.Ic pg_bindir
does not hold.
.It Ev NO_COLOR
Without colours, if not empty.
.El
.Pp
The command in
.Ic event_notification_command
finds what it is told in its environment too:
.Ev HG_REPMGR_EVENT ,
.Ev HG_REPMGR_NODE_ID ,
.Ev HG_REPMGR_SUCCESSFUL ,
.Ev HG_REPMGR_TIMESTAMP ,
.Ev HG_REPMGR_DETAILS ,
.Ev HG_REPMGR_OTHER_NODE_ID ,
.Ev HG_REPMGR_OTHER_NAME ,
.Ev HG_REPMGR_CONNINFO .
.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/repmgr.conf , /etc/repmgr/NN/repmgr.conf , conf/hg_repmgr.conf
The configuration;
.Xr repmgr.conf 5
has the whole list, in order.
.Fl v
tells which places were looked at, and
.Fl \-dump\-config
what is in force and from which line.
.It Pa ~/.pgpass
Passwords; ignored unless nobody else may read it.
.It Pa ~/.pg_service.conf , pg_service.conf
Services of connection strings.
.It Pa ~/.postgresql/root.crt , postgresql.crt , postgresql.key
Certificates for TLS.
.It Pa standby.signal , postgresql.auto.conf , recovery.conf
What
.Ic standby clone
writes in the data directory; the last one below PostgreSQL 12.
.It Pa REPMGR_CLONE_UNFINISHED , .repmgr_clone_unfinished
In a data directory: a clone that is under way or was cut off, and where its
copy lies.
The note says how to go on.
.El
"#;

pub(super) const TAIL: &str = r#".Sh EXAMPLES
The first node.
Its file
.Pa /etc/repmgr.conf :
.Bd -literal -offset indent
node_id=1
node_name='node1'
conninfo='host=node1 user=repmgr dbname=repmgr connect_timeout=2'
data_directory='/var/lib/postgresql/data'
.Ed
.Pp
As the user that owns the data directory, with the server running:
.Bd -literal -offset indent
$ createuser \-\-superuser repmgr
$ createdb \-\-owner=repmgr repmgr
$ repmgr \-f /etc/repmgr.conf primary register
.Ed
.Pp
A standby, with a file of its own
.Pq node_id=2, node_name='node2', its own host
and no server yet:
.Bd -literal -offset indent
$ repmgr \-h node1 \-U repmgr \-d repmgr \-f /etc/repmgr.conf standby clone \-\-dry\-run
$ repmgr \-h node1 \-U repmgr \-d repmgr \-f /etc/repmgr.conf standby clone
$ pg_ctl \-D /var/lib/postgresql/data \-l /tmp/start.log start
$ repmgr \-f /etc/repmgr.conf standby register
$ repmgr \-f /etc/repmgr.conf cluster show
.Ed
.Pp
In a script:
.Bd -literal -offset indent
if ! repmgr \-f /etc/repmgr.conf cluster show \-\-compact; then
    echo "look at the cluster"
fi
.Ed
.Sh SEE ALSO
.Xr hg_repmgr 1 ,
.Xr pg_basebackup 1 ,
.Xr pg_ctl 1 ,
.Xr psql 1 ,
.Xr repmgr.conf 5
.Sh CAVEATS
Other than in repmgr 5:
.Bl -bullet -compact
.It
no wait is without an end: connecting, name service, queries and programs on
other hosts all have a deadline;
.It
.Ic cluster show
asks all nodes at once, has two more columns
.Pq replication lag, last replayed LSN
and tells the timeline that a node is on rather than its last checkpoint's;
.It
.Ic standby clone
works in a folder inside the data directory until the copy is whole, so that a
copy that was cut off is never taken for a server's data;
.It
.Ic cluster cleanup \-\-dry\-run
deletes nothing;
.It
the extension is not needed: without it the same tables are made in plain SQL;
.It
.Fl \-json
is there wherever a state is printed.
.El
.Pp
.Nm
is not run as root, unless the configuration says compatibility=hg or its file
is named
.Pa hg_repmgr.conf .
.Sh SECURITY CONSIDERATIONS
Keep passwords in
.Pa ~/.pgpass
.Pq mode 0600 .
Lines for a standby need the database
.Sq replication
too:
.Pp
.Dl node1:5432:repmgr:repmgr:SECRET
.Dl node1:5432:replication:repmgr:SECRET
.Pp
A password in
.Ic conninfo
is stored in the table
.Sq repmgr.nodes ,
where every reader of that table sees it, and is handed on to the standbys.
Passwords are never printed, logged, or given to a program as an argument.
One that is typed on the command line is seen by
.Xr ps 1
and kept by the shell.
.Pp
Commands on other hosts are run over
.Xr ssh 1
with keys, never with a password.
Commands in the configuration file are run by
.Xr sh 1
as the user that runs
.Nm ;
values that are put into them are quoted.
Nobody else should be able to write that file.
"#;

pub(super) const OWN_NAME: &str = r#".\" Made by the program's tests; do not edit.
.Dd January 1, 2026
.Dt HG_REPMGR 1
.Os
.Sh NAME
.Nm hg_repmgr
.Nd one program under the names of repmgr
.Sh SYNOPSIS
.Nm
.Op Cm repmgr
.Ar ARGUMENT ...
.Nm
.Fl \-install\-links Ar DIR
.Nm
.Fl \-completions Ar bash | zsh
.Sh DESCRIPTION
.Nm
is the file;
.Xr repmgr 1
is what it is called as.
Which program it is, it tells by the name it was called under, else by its
first argument.
Under its own name it takes the arguments of
.Xr repmgr 1 .
.Pp
The name repmgrd is kept for the daemon, which is not in this version.
.Bl -tag -width Ds
.It Fl \-install\-links Ar DIR
Makes
.Pa DIR/repmgr
a link to this file, in the place of whatever file or link has that name.
What a link in the place leads to is left alone.
Where PostgreSQL's programs lie is a good place, such as
.Pa /usr/lib/postgresql/NN/bin
on Debian and
.Pa /usr/pgsql\-NN/bin
on Red Hat's systems.
.It Fl \-completions Ar bash | zsh
Writes completions for a shell.
.El
.Sh FILES
See
.Xr repmgr 1
and
.Xr repmgr.conf 5 .
.Sh EXIT STATUS
0, or 1 for a wrong command line and 13 when a link cannot be made; else as
.Xr repmgr 1 .
.Sh EXAMPLES
.Dl # hg_repmgr \-\-install\-links /usr/lib/postgresql/15/bin
.Dl $ hg_repmgr cluster show
.Dl $ source <(hg_repmgr \-\-completions bash)
.Sh SEE ALSO
.Xr repmgr 1 ,
.Xr repmgr.conf 5
"#;
