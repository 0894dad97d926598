"""DBF files of dBASE II to 7, FoxPro and Visual FoxPro, with their memo files: header, memo, values, records.

Read by ourselves, not by `dbfread` (no release since 2016; 28 of 73 real files raise in it): raw bytes are needed for
encodings that a person declares, every refusal must name record and byte, and a wrong value must stop nothing else.
"""
