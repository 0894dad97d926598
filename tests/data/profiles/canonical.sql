-- A sample records database for the profile canonical, as an office may have it.

CREATE TABLE ac01 (
    aac001 VARCHAR(20) PRIMARY KEY,
    aac002 VARCHAR(40),
    aac003 VARCHAR(128),
    aac004 VARCHAR(6),
    aac005 VARCHAR(6),
    aac006 CHAR(8),
    aac007 CHAR(8),
    aac058 VARCHAR(6),
    aac147 VARCHAR(40),
    aac161 VARCHAR(6),
    aac010 VARCHAR(6),
    aac012 VARCHAR(6),
    aac016 VARCHAR(6),
    aac049 CHAR(6),
    aic162 CHAR(8),
    aae138 CHAR(8)
);

CREATE TABLE ab01 (
    aab001 VARCHAR(40) PRIMARY KEY,
    aab004 VARCHAR(128),
    aab998 VARCHAR(128),
    aab019 VARCHAR(6),
    aab020 VARCHAR(6),
    aab022 VARCHAR(6),
    aab301 VARCHAR(6)
);

CREATE TABLE ac02 (
    aaz159 VARCHAR(20),
    aae013 VARCHAR(200),
    aac001 VARCHAR(20) NOT NULL,
    aae140 VARCHAR(6),
    aab301 VARCHAR(6),
    aac008 VARCHAR(6),
    aac031 VARCHAR(6),
    aae030 CHAR(8),
    aae031 CHAR(8),
    aab001 VARCHAR(40),
    aae180 NUMERIC(16,2),
    aac084 VARCHAR(6)
);

CREATE TABLE ac43 (
    aac001 VARCHAR(20) NOT NULL,
    aae140 VARCHAR(6),
    aae003 CHAR(6),
    aae002 CHAR(6),
    aaa115 VARCHAR(6),
    aab301 VARCHAR(6),
    aab001 VARCHAR(40),
    aac040 NUMERIC(16,2),
    aae180 NUMERIC(16,2),
    aaa042 NUMERIC(10,4),
    aaa041 NUMERIC(10,4),
    aae020 NUMERIC(16,2),
    aae021 NUMERIC(16,2),
    aae022 NUMERIC(16,2),
    aae023 NUMERIC(16,2),
    aae080 NUMERIC(16,2),
    aae081 NUMERIC(16,2),
    aae082 NUMERIC(16,2),
    aae083 NUMERIC(16,2),
    aae079 CHAR(8)
);

CREATE TABLE ac44 (
    aac001 VARCHAR(20) NOT NULL,
    aae140 VARCHAR(6),
    aae003 CHAR(6),
    aae341 VARCHAR(6),
    aae019 NUMERIC(16,2),
    aab301 VARCHAR(6),
    aae079 CHAR(8)
);

CREATE TABLE ac61 (
    aac001 VARCHAR(20) NOT NULL,
    aae140 VARCHAR(6),
    aaa036 VARCHAR(128),
    eac064 CHAR(6),
    aae019 NUMERIC(16,2),
    eic013 NUMERIC(16,2),
    aae116 VARCHAR(6),
    aab301 VARCHAR(6)
);

CREATE TABLE ac50 (
    aac001 VARCHAR(20) NOT NULL,
    aae140 VARCHAR(6),
    aae041 CHAR(6),
    aae042 CHAR(6),
    aae201 INTEGER,
    aae200 INTEGER,
    eac047 INTEGER
);

CREATE TABLE ac51 (
    aac001 VARCHAR(20) NOT NULL,
    aae140 VARCHAR(6),
    aae001 VARCHAR(128),
    aic079 INTEGER,
    zza001 NUMERIC(10,6),
    aic200 NUMERIC(16,2),
    aae381 NUMERIC(16,2),
    aae269 NUMERIC(16,2),
    aic340 NUMERIC(16,2),
    aae382 NUMERIC(16,2),
    zza002 NUMERIC(16,2),
    aae264 NUMERIC(16,2),
    aae265 NUMERIC(16,2),
    zza003 NUMERIC(16,2),
    aae273 NUMERIC(16,2)
);

CREATE TABLE zz01 (
    aac001 VARCHAR(20) NOT NULL,
    zza010 VARCHAR(128),
    zza011 CHAR(8),
    aae013 VARCHAR(4000)
);
