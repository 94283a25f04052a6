import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './style.css';
import { App } from './app';
import { applyTheme, savedTheme } from './state';

applyTheme(savedTheme());
render(<App />, document.getElementById('app') as HTMLElement);
