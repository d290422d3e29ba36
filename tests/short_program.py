"""The program, with a report of one word: to draw one takes longer than all else in a tiny study."""

import sys

if __name__ == "__main__":  # worker processes import this file as well, and shall not import all that it needs
    from lstm_analysis import cli, study

    study.write_report = lambda run: (run.path / "report.html").write_text("short")
    sys.exit(cli.main())
