import type { ReactNode } from 'react';
import { create } from 'zustand';

export interface Question {
  title: string;
  text?: ReactNode;
  /** Names of what is affected. */
  items?: string[];
  /** The verb on the button: "Delete 3 containers". */
  verb: string;
  danger?: boolean;
  /** Only told: nothing is to be decided, and one button says so. */
  plain?: boolean;
  /** A choice within the question; its value comes with the answer. */
  option?: { label: string; initial: boolean };
  /** Yes needs this text, typed. */
  typed?: { label: string; text: string };
}
export type Answer = { yes: false } | { yes: true; option: boolean };

interface Asking extends Question {
  answer: (answer: Answer) => void;
}
export const useQuestion = create<{ question: Asking | null }>(() => ({ question: null }));

/** Asks before something dies. One question at a time; a second one answers the first with no. */
export function ask(question: Question): Promise<Answer> {
  useQuestion.getState().question?.answer({ yes: false });
  return new Promise((resolve) => {
    useQuestion.setState({
      question: {
        ...question,
        answer: (answer) => {
          useQuestion.setState({ question: null });
          resolve(answer);
        },
      },
    });
  });
}
