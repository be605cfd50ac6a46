import { startAnswers } from './answers.ts';
import { startCopyButtons } from './copy.ts';
import { showProgress } from './progress.ts';
import { startLabButton } from './start-lab.ts';
import { startThemeSwitch } from './theme.ts';

/** All the JavaScript of a page that is only read. */
startThemeSwitch(document.querySelector('[data-theme-select]'));
startCopyButtons();
startAnswers();
startLabButton();
void showProgress();
document.addEventListener('academy:progress', () => void showProgress());
