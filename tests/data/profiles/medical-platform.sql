-- A sample records database for the profile medical-platform, as an office may have it.

CREATE TABLE psn_info_b (
    tel VARCHAR(40),
    vali_flag VARCHAR(3),
    psn_no VARCHAR(20) PRIMARY KEY,
    certno VARCHAR(40),
    psn_name VARCHAR(128),
    gend VARCHAR(6),
    naty VARCHAR(6),
    brdy DATE,
    fst_patc_job_date DATE,
    psn_cert_type VARCHAR(6),
    nat_regn_code VARCHAR(6),
    resd_loc_admdvs VARCHAR(6)
);

CREATE TABLE insu_emp_info_b (
    emp_no VARCHAR(40) PRIMARY KEY,
    emp_name VARCHAR(128),
    regno VARCHAR(128),
    emp_type VARCHAR(6),
    insu_admdvs VARCHAR(6)
);

CREATE TABLE psn_insu_d (
    psn_insu_rlts_id VARCHAR(30),
    fst_insu_ym CHAR(6),
    clct_way VARCHAR(6),
    psn_no VARCHAR(20) NOT NULL,
    insutype VARCHAR(6),
    insu_admdvs VARCHAR(6),
    psn_insu_stas VARCHAR(6),
    psn_clct_stas VARCHAR(6),
    crt_insu_date DATE,
    paus_insu_date DATE,
    emp_no VARCHAR(40),
    insutype_retr_flag VARCHAR(6)
);

CREATE TABLE staf_psn_clct_detl_d (
    psn_no VARCHAR(20) NOT NULL,
    insutype VARCHAR(6),
    accrym_begn CHAR(6),
    accrym_end CHAR(6),
    cashym CHAR(6),
    clct_type VARCHAR(6),
    poolarea_no VARCHAR(6),
    emp_no VARCHAR(40),
    wag NUMERIC(16,2),
    psn_clctstd NUMERIC(16,2),
    emp_clct_paraval NUMERIC(10,4),
    psn_clct_paraval NUMERIC(10,4),
    emp_clct_amt NUMERIC(16,2),
    emp_clct_into_acct_amt NUMERIC(16,2),
    psn_clct_amt NUMERIC(16,2),
    psn_clct_into_acct_amt NUMERIC(16,2),
    clct_time TIMESTAMP,
    clct_flag VARCHAR(3) NOT NULL,
    revs_flag VARCHAR(3) NOT NULL
);
