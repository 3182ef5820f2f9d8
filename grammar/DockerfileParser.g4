// The Dockerfile, over the coarse tokens of compiler/parse/dockerfile/lexer.h. The lexer decides what depends on the
// place in a line (flags, words, shell or JSON form, heredoc bodies); the order and number of things is said here.
// Every decision is LL(1), so that the generated parser never predicts with more than a switch on the next token.
parser grammar DockerfileParser;

tokens {
  KeywordAdd, KeywordArg, KeywordCmd, KeywordCopy, KeywordEntrypoint, KeywordEnv, KeywordExpose, KeywordFrom,
  KeywordHealthcheck, KeywordLabel, KeywordMaintainer, KeywordOnbuild, KeywordRun, KeywordShell, KeywordStopSignal,
  KeywordUser, KeywordVolume, KeywordWorkdir, KeywordUnknown,
  Hash, DirectiveName, Equals, DirectiveValue,
  Flag, Word, Pair, Name, As, HealthNone, HealthCmd, Text,
  LeftBracket, RightBracket, Comma, JsonString, JsonOther,
  HeredocBody, HeredocEnd, End
}

file: (directive | instruction)* EOF;

directive: Hash DirectiveName Equals DirectiveValue End;

instruction: body heredoc* End;

// Also the trigger of ONBUILD. A trigger inside a trigger is not parsed: the lexer gives its text.
body
  : KeywordFrom Flag* Word stageName?
  | KeywordArg Flag* (Pair | Word)+
  | (KeywordEnv | KeywordLabel) Flag* (Pair+ | Name Text)
  | (KeywordRun | KeywordCmd | KeywordEntrypoint) Flag* (jsonArray | Text)?
  | KeywordShell Flag* jsonArray
  | (KeywordCopy | KeywordAdd) Flag* (jsonArray | Word Word+)
  | KeywordVolume Flag* (jsonArray | Word+)
  | KeywordExpose Flag* Word+
  | (KeywordUser | KeywordWorkdir | KeywordStopSignal | KeywordMaintainer) Flag* Text
  | KeywordHealthcheck Flag* (HealthNone | HealthCmd (jsonArray | Text))
  | KeywordOnbuild Flag* (body | Text)
  | KeywordUnknown Flag* Text?
  ;

stageName: As Word;

jsonArray: LeftBracket (JsonString (Comma JsonString)*)? RightBracket;

heredoc: HeredocBody HeredocEnd;
