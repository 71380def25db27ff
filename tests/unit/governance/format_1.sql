-- Written by `sqlite3.iterdump` from a governance.db of Fairway 0.1.0, whose user_version was 1.
-- Policy sets 2 and 4 had been deleted, so that 4 must never be given again.
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE anchors (
        writer TEXT NOT NULL,
        seq INTEGER NOT NULL,
        hash TEXT NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (writer, seq)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "anchors" VALUES('control',7,'abababababababababababababababababababababababababababababababab',1763000013.0);
CREATE TABLE policy_sets (
        version INTEGER PRIMARY KEY AUTOINCREMENT,
        text TEXT NOT NULL,
        base INTEGER NOT NULL,
        by TEXT NOT NULL,
        at REAL NOT NULL,
        note TEXT NOT NULL
    ) STRICT;
INSERT INTO "policy_sets" VALUES(1,'@id("p0")
permit (principal, action, resource);
',0,'the app file',1763000000.25,'it''s n° 0');
INSERT INTO "policy_sets" VALUES(3,'@id("p2")
permit (principal, action, resource);
',1,'ada',1763000002.25,'it''s n° 2');
CREATE TABLE releases (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('policies', 'app')),
        policy_set INTEGER NOT NULL REFERENCES policy_sets (version),
        previous INTEGER NOT NULL,
        by TEXT NOT NULL,
        at REAL NOT NULL,
        note TEXT NOT NULL
    ) STRICT;
INSERT INTO "releases" VALUES(1,'policies',1,0,'the app file',1763000010.5,'');
INSERT INTO "releases" VALUES(2,'policies',3,1,'ada',1763000011.5,'stricter');
INSERT INTO "releases" VALUES(3,'policies',1,3,'grace',1763000012.5,'rolled back from 3');
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('policy_sets',4);
COMMIT;
