// The Earthfile, over the coarse tokens of compiler/parse/earthfile/lexer.h. The lexer decides what a line starts with,
// where words end and where a recipe begins and ends (Indent, Dedent); an End closes each line. The order of things in a
// line and the nesting of blocks is said here; which clauses belong to which block, and what may stand outside a recipe,
// is checked on the tree, where it can be said better. Every decision is LL(1), so that the generated parser never
// predicts with more than a switch on the next token.
parser grammar EarthfileParser;

tokens {
  KeywordVersion,
  KeywordFrom, KeywordFromDockerfile, KeywordLocally, KeywordCopy, KeywordSaveArtifact, KeywordSaveImage, KeywordRun,
  KeywordExpose, KeywordVolume, KeywordEnv, KeywordArg, KeywordSet, KeywordLet, KeywordLabel, KeywordBuild,
  KeywordWorkdir, KeywordUser, KeywordCmd, KeywordEntrypoint, KeywordGitClone, KeywordAdd, KeywordStopSignal,
  KeywordOnbuild, KeywordHealthcheck, KeywordShell, KeywordDo, KeywordCommand, KeywordFunction, KeywordImport,
  KeywordCache, KeywordHost, KeywordProject,
  KeywordWith, KeywordDocker, KeywordIf, KeywordElseIf, KeywordElse, KeywordTry, KeywordCatch, KeywordFinally,
  KeywordFor, KeywordWait, KeywordEnd,
  Unknown, TargetName, FunctionName, Word, Equals, ValueBlank, Indent, Dedent, End
}

file: (version | statement | header | recipe | misplaced)* EOF;

version: KeywordVersion Word+ End;

header: (TargetName | FunctionName) End;

recipe: Indent (version | statement | header | misplaced)* Dedent;

// A clause outside its block. Reported by the lexer or on the tree.
misplaced: (KeywordDocker | KeywordElseIf | KeywordElse | KeywordCatch | KeywordFinally | KeywordEnd) Word* End;

statement: command | blockStatement;

command
  : ( KeywordFrom | KeywordFromDockerfile | KeywordLocally | KeywordCopy | KeywordSaveArtifact | KeywordSaveImage
    | KeywordRun | KeywordExpose | KeywordVolume | KeywordBuild | KeywordWorkdir | KeywordUser | KeywordCmd
    | KeywordEntrypoint | KeywordGitClone | KeywordAdd | KeywordStopSignal | KeywordOnbuild | KeywordHealthcheck
    | KeywordShell | KeywordDo | KeywordCommand | KeywordFunction | KeywordImport | KeywordCache | KeywordHost
    | KeywordProject | Unknown
    ) Word* End
  | KeywordEnv Word Equals? value? End
  | KeywordArg Word+ (Equals value?)? End
  | KeywordSet Word Equals value End
  | KeywordLet Word+ Equals value End
  | KeywordLabel (Word Equals Word)* End
  ;

value: ValueBlank? Word (ValueBlank? Word)*;

blockStatement: blockHeader block clause* blockEnd;

blockHeader: (KeywordWith KeywordDocker Word* | (KeywordIf | KeywordFor) Word+ | KeywordWait Word* | KeywordTry) End;

block: statement*;

clause: clauseHeader block;

clauseHeader: (KeywordElseIf Word+ | KeywordElse | KeywordCatch | KeywordFinally) End;

blockEnd: KeywordEnd End;
